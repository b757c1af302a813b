//! PostgreSQL's `numeric`, which its sums of `bigint` are.

use rusqlite::types::ValueRef;

const NEGATIVE: u16 = 0x4000;
const NOT_FINITE: u16 = 0xC000;

/// A whole number as an integer, any other as a floating-point number; none if the bytes are not a finite number, or
/// end too soon. On the wire: how many digits to the base of 10,000, the exponent of the first one, the sign, how many
/// decimal places are shown, and the digits.
pub(super) fn value(bytes: &[u8]) -> Option<ValueRef<'static>> {
    let word = |index: usize| Some(u16::from_be_bytes(bytes.get(index * 2..index * 2 + 2)?.try_into().ok()?));
    let (count, weight, sign) = (usize::from(word(0)?), i32::from(word(1)? as i16), word(2)?);
    if sign & NOT_FINITE == NOT_FINITE {
        return None;
    }
    let digits = (0..count).map(|index| word(index + 4)).collect::<Option<Vec<u16>>>()?;
    Some(whole(&digits, weight, sign).map_or_else(|| ValueRef::Real(real(&digits, weight, sign)), ValueRef::Integer))
}

fn whole(digits: &[u16], weight: i32, sign: u16) -> Option<i64> {
    let places = usize::try_from(weight + 1).unwrap_or(0);
    if digits.iter().skip(places).any(|digit| *digit != 0) {
        return None;
    }
    let all = (0..places).map(|place| i128::from(digits.get(place).copied().unwrap_or(0)));
    let sum = all.into_iter().try_fold(0_i128, |sum, digit| sum.checked_mul(10_000)?.checked_add(digit))?;
    i64::try_from(if sign == NEGATIVE { -sum } else { sum }).ok()
}

fn real(digits: &[u16], weight: i32, sign: u16) -> f64 {
    let place = |(index, digit): (usize, &u16)| f64::from(*digit) * 10_000_f64.powi(weight - index as i32);
    let sum: f64 = digits.iter().enumerate().map(place).sum();
    if sign == NEGATIVE { -sum } else { sum }
}

#[cfg(test)]
mod tests;
