//! What things are called in the graph: names under `urn:shop:`, with what RFC 8141 does not allow percent-encoded.

use std::fmt::Write as _;

use oxrdf::NamedNode;

const PRODUCT: &str = "urn:shop:product:";
const BASKET: &str = "urn:shop:basket:";
const DEPARTMENT: &str = "urn:shop:department:";

/// The shop as a whole.
pub(super) const SHOP: &str = "urn:shop:all";

pub(super) fn product(id: &str) -> NamedNode {
    named(PRODUCT, id)
}

pub(super) fn department(name: &str) -> NamedNode {
    named(DEPARTMENT, name)
}

pub(super) fn basket(number: u32) -> NamedNode {
    NamedNode::new_unchecked(format!("{BASKET}{number}"))
}

/// The product's id, if it is a product's name.
pub(super) fn product_of(name: &str) -> Option<String> {
    decoded(name.strip_prefix(PRODUCT)?)
}

/// The department's name, if it is one of a department.
pub(super) fn department_of(name: &str) -> Option<String> {
    decoded(name.strip_prefix(DEPARTMENT)?)
}

/// The basket's number, if it is a basket's name.
pub(super) fn basket_of(name: &str) -> Option<u32> {
    let digits = name.strip_prefix(BASKET)?;
    // A number has one name only.
    digits.parse().ok().filter(|number: &u32| number.to_string() == digits)
}

fn named(prefix: &str, id: &str) -> NamedNode {
    let mut name = String::with_capacity(prefix.len() + id.len());
    name.push_str(prefix);
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => name.push(char::from(byte)),
            byte => {
                let _ = write!(name, "%{byte:02X}");
            }
        }
    }
    // Nothing is left in it that an IRI does not allow.
    NamedNode::new_unchecked(name)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let (byte, behind) = match first {
            b'%' => (u8::from_str_radix(str::from_utf8(behind.get(..2)?).ok()?, 16).ok()?, &behind[2..]),
            byte => (*byte, behind),
        };
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}
