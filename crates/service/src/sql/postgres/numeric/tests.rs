use super::*;

fn of(weight: i16, sign: u16, digits: &[u16]) -> Option<ValueRef<'static>> {
    let words = [digits.len() as u16, weight as u16, sign, 0];
    let bytes: Vec<u8> = words.iter().chain(digits).flat_map(|word| word.to_be_bytes()).collect();
    value(&bytes)
}

#[test]
fn whole_numbers_are_integers() {
    assert_eq!(of(0, 0, &[]), Some(ValueRef::Integer(0)));
    assert_eq!(of(0, 0, &[42]), Some(ValueRef::Integer(42)));
    assert_eq!(of(1, 0, &[3]), Some(ValueRef::Integer(30_000)));
    assert_eq!(of(2, NEGATIVE, &[1, 2345, 6789]), Some(ValueRef::Integer(-123_456_789)));
    assert_eq!(of(0, 0, &[7, 0]), Some(ValueRef::Integer(7)), "7.0000");
}

#[test]
fn others_are_floating_point_numbers() {
    assert_eq!(of(0, 0, &[1, 5000]), Some(ValueRef::Real(1.5)));
    assert_eq!(of(-1, NEGATIVE, &[2500]), Some(ValueRef::Real(-0.25)));
    let Some(ValueRef::Real(huge)) = of(7, 0, &[1]) else { panic!("it does not fit an integer") };
    assert!((huge / 1e28 - 1.0).abs() < 1e-9);
}

#[test]
fn what_is_no_number_is_none() {
    assert_eq!(of(0, 0xC000, &[]), None, "NaN");
    assert_eq!(of(0, 0xD000, &[]), None, "infinity");
    assert_eq!(value(&[0, 2, 0, 0, 0, 0, 0, 0, 0, 1]), None, "a digit is missing");
}
