//! What can be asked of customers: one file for each command.

mod change_address;
mod change_name;
mod register_customer;

pub use change_address::ChangeAddress;
pub use change_name::ChangeName;
pub use register_customer::RegisterCustomer;

use tradewind_service::Rejection;

use crate::events::Address;

/// The longest name, and the longest line of an address, in characters: what fits the window of an envelope, and more.
pub const TEXT_CHARS_MAX: usize = 100;

/// What a name must be, wherever one is set.
fn check_name(name: &str) -> Result<(), Rejection> {
    if name.trim().is_empty() {
        return Err(Rejection::new("customer-without-name", "a customer needs a name"));
    }
    check_text(name)
}

/// What an address must be, wherever one is set.
fn check_address(address: &Address) -> Result<(), Rejection> {
    let Address { street, city, region, postal_code, country } = address;
    if [street, city, country].iter().any(|text| text.trim().is_empty()) {
        return Err(Rejection::new("address-incomplete", "an address needs a street, a city and a country"));
    }
    [street, city, region, postal_code, country].into_iter().try_for_each(|text| check_text(text))
}

/// Each of these becomes a line on paper: it has a length, and no line breaks or other control characters.
fn check_text(text: &str) -> Result<(), Rejection> {
    if text.chars().count() > TEXT_CHARS_MAX {
        return Err(Rejection::new(
            "customer-text-too-long",
            format!("{TEXT_CHARS_MAX} characters are the most for each text"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(Rejection::new("customer-text-unprintable", "a text has no line breaks or control characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
