//! Names and addresses for the sample's households. **All of them are invented**: the source has none. They follow from
//! the household's number alone, so that the same household is always the same customer; some of them move during the
//! year, once or twice, so that a shop filled with the sample has addresses over time.

use std::time::Duration;

use serde::Serialize;
use tradewind_events::{EventId, Timestamp};

/// A household, as a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Household {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Where it lives when the shop opens.
    pub(crate) address: Address,
    /// When it moves, and where to.
    pub(crate) moves: Vec<(Timestamp, Address)>,
}

/// An address, as customers takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Address {
    street: String,
    city: String,
    region: String,
    postal_code: String,
    country: String,
}

const FIRST_NAMES: [&str; 32] = [
    "Ada", "Amir", "Beatriz", "Bram", "Chiara", "Cyrus", "Dalia", "Desmond", "Elif", "Emeka", "Fiona", "Goran", "Hana",
    "Hugo", "Ingrid", "Ines", "Jamal", "Josefa", "Kenji", "Kirsten", "Leopold", "Lucía", "Malik", "Maeve", "Nadia",
    "Noah", "Oksana", "Piotr", "Renée", "Søren", "Tamsin", "Zoë",
];

const LAST_NAMES: [&str; 40] = [
    "Abernathy",
    "Almeida",
    "Baptiste",
    "Blackwood",
    "Castellano",
    "Chaudhry",
    "Dąbrowski",
    "Delacroix",
    "Eriksen",
    "Faulkner",
    "Fitzgerald",
    "Galloway",
    "Hashimoto",
    "Holloway",
    "Iversen",
    "Jankowski",
    "Kowalczyk",
    "Lindqvist",
    "Lockhart",
    "MacAllister",
    "Marchetti",
    "Montgomery",
    "Nakamura",
    "Novák",
    "O'Rourke",
    "Okonkwo",
    "Pemberton",
    "Quintero",
    "Ravenscroft",
    "Reyes",
    "Sandoval",
    "Sørensen",
    "Thackeray",
    "Tremblay",
    "Underhill",
    "Vasquez",
    "Whitcombe",
    "Yilmaz",
    "Zamora",
    "Zielinski",
];

const STREETS: [&str; 24] = [
    "Alder Lane",
    "Bellflower Court",
    "Birchwood Avenue",
    "Canal Street",
    "Cedar Hollow Road",
    "Chestnut Street",
    "Cooper's Row",
    "Dogwood Drive",
    "Elm Street",
    "Fieldstone Way",
    "Hawthorne Avenue",
    "Juniper Road",
    "Kestrel Lane",
    "Lakeview Terrace",
    "Linden Street",
    "Maple Avenue",
    "Mill Pond Road",
    "Orchard Street",
    "Pinecrest Drive",
    "Quarry Road",
    "Sycamore Street",
    "Tanner's Hill",
    "Walnut Street",
    "Willow Bend",
];

/// Towns that no map has, in states that every map has, with codes that belong to the state.
const TOWNS: [(&str, &str, &str); 12] = [
    ("Ashby Crossing", "OH", "451"),
    ("Bramble Hill", "KY", "403"),
    ("Cinder Falls", "IN", "472"),
    ("Dunmere", "OH", "437"),
    ("East Larkspur", "MI", "481"),
    ("Gannet Bay", "WI", "541"),
    ("Harrow Springs", "TN", "371"),
    ("New Tolland", "PA", "156"),
    ("Pell Harbor", "OH", "448"),
    ("Saltmarsh", "VA", "233"),
    ("Thistledown", "KY", "422"),
    ("West Orrin", "IL", "618"),
];

/// How many of a hundred households move at least once, and how many of those move again.
const MOVES_PERCENT: u128 = 30;
const MOVES_AGAIN_PERCENT: u128 = 20;

/// The first move may be on any day of this part of the year, counted from the shop's opening; a second follows later.
const FIRST_MOVE_DAYS: std::ops::Range<u128> = 30..240;
const SECOND_MOVE_DAYS_LATER: std::ops::Range<u128> = 30..120;

impl Household {
    /// The household of this number, as it was invented.
    pub(crate) fn invented(id: &str) -> Self {
        let chance = Chance { id };
        let first = chance.one_of("first name", &FIRST_NAMES);
        let name = format!("{first} {}", chance.one_of("last name", &LAST_NAMES));
        let mut moves = Vec::new();
        if chance.below("moves", 100) < MOVES_PERCENT {
            let first = chance.day("first move", &FIRST_MOVE_DAYS);
            moves.push((chance.moment("first move", first), chance.address(1)));
            if chance.below("moves again", 100) < MOVES_AGAIN_PERCENT {
                let second = first + chance.day("second move", &SECOND_MOVE_DAYS_LATER);
                moves.push((chance.moment("second move", second), chance.address(2)));
            }
        }
        Self { id: id.to_owned(), name, address: chance.address(0), moves }
    }
}

/// What looks like chance and follows from the household's number.
struct Chance<'a> {
    id: &'a str,
}

impl Chance<'_> {
    /// A number below `limit`.
    fn below(&self, about: &str, limit: u128) -> u128 {
        EventId::derived(&format!("invented household {}, {about}", self.id), 0).0.as_u128() % limit.max(1)
    }

    fn one_of<T: Copy>(&self, about: &str, all: &[T]) -> T {
        all[usize::try_from(self.below(about, all.len() as u128)).unwrap_or_default()]
    }

    fn day(&self, about: &str, days: &std::ops::Range<u128>) -> u128 {
        days.start + self.below(about, days.end - days.start)
    }

    /// Nine in the morning in the east of the United States, so many days after the opening.
    fn moment(&self, about: &str, day: u128) -> Timestamp {
        let minutes = day * 24 * 60 + 14 * 60 + self.below(&format!("minute of {about}"), 60);
        super::opening().plus(Duration::from_secs(u64::try_from(minutes * 60).unwrap_or_default()))
    }

    /// The address after so many moves.
    fn address(&self, moves: u8) -> Address {
        let about = |what: &str| format!("{what} {moves}");
        let (city, region, code) = self.one_of(&about("town"), &TOWNS);
        let mut street =
            format!("{} {}", 1 + self.below(&about("house"), 1_900), self.one_of(&about("street"), &STREETS));
        if self.below(&about("flat"), 4) == 0 {
            street = format!("{street}, Apt. {}", 1 + self.below(&about("door"), 30));
        }
        Address {
            street,
            city: city.to_owned(),
            region: region.to_owned(),
            postal_code: format!("{code}{:02}", self.below(&about("code"), 100)),
            country: "United States".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
