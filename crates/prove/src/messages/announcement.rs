//! A server that tells its clients where it is, as Kafka's do, would lead them past the links. So a link puts its own
//! port in the place of the server's, wherever the server names itself in what it answers.
//!
//! Kafka's protocol writes a server's place as its name followed by its port in four bytes, in all its versions. Both
//! have the same length before and after, so nothing else in an answer changes.

/// What a server says of where it is, and what its clients are to hear.
#[derive(Debug, Clone)]
pub(super) struct Announcement {
    said: Vec<u8>,
    heard: Vec<u8>,
}

impl Announcement {
    /// Of a server by a name and a port, for whom a link on another port of the same name stands.
    pub(super) fn of(host: &str, port: u16, link_port: u16) -> Self {
        let place = |port: u16| [host.as_bytes(), &i32::from(port).to_be_bytes()].concat();
        Self { said: place(port), heard: place(link_port) }
    }

    /// Changes what is there. Answers how many bytes at its end may be the beginning of an announcement and must wait
    /// for what comes next.
    pub(super) fn change(&self, bytes: &mut [u8]) -> usize {
        let length = self.said.len();
        let mut at = 0;
        while at + length <= bytes.len() {
            if bytes[at..at + length] == self.said {
                bytes[at..at + length].copy_from_slice(&self.heard);
                at += length;
            } else {
                at += 1;
            }
        }
        let rest = &bytes[at..];
        (0..rest.len()).find(|begin| self.said.starts_with(&rest[*begin..])).map_or(0, |begin| rest.len() - begin)
    }

    /// The longest that waits.
    pub(super) fn held_max(&self) -> usize {
        self.said.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer that names a server twice, among other bytes.
    fn answer(port: u16) -> Vec<u8> {
        let place = [b"\x00\x09127.0.0.1".as_slice(), &i32::from(port).to_be_bytes()].concat();
        [b"127.0.0.127.0.0.1\x00".as_slice(), &place, &[0; 5], &place, b"127.0.0."].concat()
    }

    #[test]
    fn a_place_is_changed_wherever_what_comes_is_divided() {
        let announcement = Announcement::of("127.0.0.1", 9_092, 40_001);
        for piece in 1..=answer(9_092).len() {
            let (mut held, mut passed) = (Vec::new(), Vec::new());
            for part in answer(9_092).chunks(piece) {
                held.extend_from_slice(part);
                let waiting = announcement.change(&mut held);
                assert!(waiting <= announcement.held_max());
                passed.extend(held.drain(..held.len() - waiting));
            }
            // What waits at the end is no announcement's beginning that will ever be completed.
            passed.extend(held);
            assert_eq!(passed, answer(40_001), "in pieces of {piece}");
        }
    }
}
