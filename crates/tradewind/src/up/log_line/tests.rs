use super::readable;

#[test]
fn a_json_line_is_read_back_whether_its_fields_are_flat_or_not() {
    let nested = r#"{"timestamp":"t","level":"INFO","fields":{"message":"listening","port":7},"target":"x"}"#;
    let flat = r#"{"timestamp":"t","level":"INFO","message":"listening","port":7,"target":"x"}"#;
    assert_eq!(readable(nested), " INFO listening port=7");
    assert_eq!(readable(flat), " INFO listening port=7");
}

#[test]
fn other_lines_stay_as_they_are_and_cannot_steer_the_terminal() {
    assert_eq!(readable("plain text"), "plain text");
    assert_eq!(readable("{\"order\":1}"), "{\"order\":1}");
    assert_eq!(readable("{not json"), "{not json");
    assert_eq!(readable("\x1b[2Jgone\r"), "\u{fffd}[2Jgone\u{fffd}");
}
