use tradewind_testkit::scenario::{given, given_nothing};

use super::*;
use crate::customer::Customer;
use crate::events::{CustomerEvent, CustomerMoved, CustomerRegistered, CustomerRenamed};

const JANUARY: &str = "2017-01-01T00:00:00Z";
const MARCH: &str = "2017-03-01T00:00:00Z";
const JUNE: &str = "2017-06-01T00:00:00Z";

fn home(street: &str) -> Address {
    Address {
        street: street.into(),
        city: "Fairhaven".into(),
        region: "OH".into(),
        postal_code: "45011".into(),
        country: "United States".into(),
    }
}

fn register(name: &str, street: &str) -> RegisterCustomer {
    RegisterCustomer { name: name.into(), address: home(street) }
}

fn registered() -> CustomerEvent {
    CustomerRegistered { since: JANUARY.parse().unwrap(), name: "Zoë".into(), address: home("Old Street 1") }.into()
}

fn moved(since: &str, street: &str) -> CustomerEvent {
    CustomerMoved { since: since.parse().unwrap(), address: home(street) }.into()
}

fn moving(street: &str) -> ChangeAddress {
    ChangeAddress { address: home(street) }
}

#[test]
fn a_customer_is_known_from_registration_on() {
    given_nothing::<Customer>().when(register("Zoë", "Old Street 1")).at(JANUARY).then([registered()]);
}

#[test]
fn registering_again_with_the_same_words_changes_nothing() {
    given::<Customer>([registered()]).when(register("Zoë", "Old Street 1")).at(MARCH).then_nothing();
    let since_moved = [registered(), moved(MARCH, "New Street 2")];
    given::<Customer>(since_moved).when(register("Zoë", "Old Street 1")).at(JUNE).then_nothing();
}

#[test]
fn nobody_registers_under_anothers_id() {
    given::<Customer>([registered()]).when(register("Ann", "Old Street 1")).at(MARCH).then_rejected("customer-exists");
    given::<Customer>([registered()]).when(register("Zoë", "New Street 2")).at(MARCH).then_rejected("customer-exists");
}

#[test]
fn a_move_takes_effect_at_its_own_time() {
    given::<Customer>([registered()]).when(moving("New Street 2")).at(MARCH).then([moved(MARCH, "New Street 2")]);
}

#[test]
fn moving_to_where_one_lives_changes_nothing() {
    given::<Customer>([registered()]).when(moving("Old Street 1")).at(MARCH).then_nothing();
}

#[test]
fn a_move_that_is_told_late_comes_into_its_place() {
    let history = [registered(), moved(JUNE, "New Street 2")];
    given::<Customer>(history.clone()).when(moving("Between 3")).at(MARCH).then([moved(MARCH, "Between 3")]);
    // In March it is the old street still, though the last thing that was told is the new one.
    given::<Customer>(history.clone()).when(moving("Old Street 1")).at(MARCH).then_nothing();
    given::<Customer>(history).when(moving("New Street 2")).at(MARCH).then([moved(MARCH, "New Street 2")]);
}

#[test]
fn nothing_changes_before_registration() {
    let late = CustomerRegistered { since: MARCH.parse().unwrap(), name: "Zoë".into(), address: home("Old Street 1") };
    given::<Customer>([late.into()]).when(moving("New Street 2")).at(JANUARY).then_rejected("before-registration");
}

#[test]
fn nobody_unknown_moves_or_is_renamed() {
    given_nothing::<Customer>().when(moving("New Street 2")).then_rejected("no-such-customer");
    given_nothing::<Customer>().when(ChangeName { name: "Ann".into() }).then_rejected("no-such-customer");
}

#[test]
fn a_name_changes_over_time_as_an_address_does() {
    let renamed: CustomerEvent = CustomerRenamed { since: MARCH.parse().unwrap(), name: "Zoë L.".into() }.into();
    let rename = || ChangeName { name: "Zoë L.".into() };
    given::<Customer>([registered()]).when(rename()).at(MARCH).then([renamed.clone()]);
    given::<Customer>([registered(), renamed.clone()]).when(rename()).at(JUNE).then_nothing();
    given::<Customer>([registered(), renamed]).when(ChangeName { name: "Zoë".into() }).at(JANUARY).then_nothing();
}

#[test]
fn a_name_and_an_address_are_lines_on_paper() {
    let nothing = given_nothing::<Customer>;
    nothing().when(register(" ", "Old Street 1")).then_rejected("customer-without-name");
    nothing().when(register("Zoë", "")).then_rejected("address-incomplete");
    nothing().when(register(&"x".repeat(TEXT_CHARS_MAX + 1), "Old Street 1")).then_rejected("customer-text-too-long");
    nothing().when(register("Zoë", "Old Street 1\nBack door")).then_rejected("customer-text-unprintable");
    let stateless = Address { region: String::new(), postal_code: String::new(), ..home("Main Road 9") };
    given::<Customer>([registered()])
        .when(ChangeAddress { address: stateless.clone() })
        .at(MARCH)
        .then([CustomerMoved { since: MARCH.parse().unwrap(), address: stateless }.into()]);
}

#[test]
fn a_customer_has_an_end_of_changes() {
    let mut history = vec![registered()];
    history.extend((2..Customer::CHANGES_MAX).map(|n| moved(MARCH, &format!("Street {n}"))));
    given::<Customer>(history).when(moving("Last Street")).at(JUNE).then_rejected("too-many-changes");
}
