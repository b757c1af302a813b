use std::panic::catch_unwind;

use serde::{Deserialize, Serialize};
use tradewind_service::events;

use super::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Lit {
    colour: String,
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Dimmed {}

events! {
    enum LampEvent { Lit, Dimmed }
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct Lamp {
    on: bool,
}

impl Entity for Lamp {
    const CATEGORY: &'static str = "lamp";
    const STATE_VERSION: u16 = 1;
    type Event = LampEvent;
    fn evolve(&mut self, event: &LampEvent) {
        self.on = matches!(event, LampEvent::Lit(_));
    }
}

struct Light(&'static str);

impl Command for Light {
    type Entity = Lamp;
    fn decide(&self, lamp: &Lamp, _at: Timestamp) -> Result<Vec<LampEvent>, Rejection> {
        if lamp.on {
            return Err(Rejection::new("lamp-is-on", "the lamp is on already"));
        }
        Ok(vec![Lit { colour: self.0.to_owned() }.into()])
    }
}

fn red() -> LampEvent {
    Lit { colour: "red".into() }.into()
}

#[test]
fn a_story_that_holds_says_nothing() {
    given_nothing::<Lamp>().when(Light("red")).then([red()]);
    given::<Lamp>([red(), Dimmed {}.into()]).when(Light("red")).at("2017-03-31T10:20:30Z").then([red()]);
    given::<Lamp>([red()]).when(Light("red")).then_rejected("lamp-is-on");
    assert!(given::<Lamp>([red()]).state().on);
}

fn message(story: impl FnOnce() + std::panic::UnwindSafe) -> String {
    *catch_unwind(story).unwrap_err().downcast::<String>().unwrap()
}

#[test]
fn a_story_that_fails_shows_where_the_lists_part() {
    let text = message(|| given_nothing::<Lamp>().when(Light("blue")).then([red(), Dimmed {}.into()]));
    assert!(text.contains("-   \"colour\": \"red\""), "{text}");
    assert!(text.contains("+   \"colour\": \"blue\""), "{text}");
    assert!(text.contains("    Lit {"), "what both have stays unmarked: {text}");
    assert!(text.contains("- Dimmed {}"), "{text}");
}

#[test]
fn a_rejection_where_none_was_expected_tells_its_reason() {
    let text = message(|| given::<Lamp>([red()]).when(Light("red")).then([red()]));
    assert!(text.contains("lamp-is-on") && text.contains("- Lit {"), "{text}");
    let text = message(|| given_nothing::<Lamp>().when(Light("red")).then_rejected("lamp-is-on"));
    assert!(text.contains("+ Lit {"), "{text}");
}
