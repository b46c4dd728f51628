use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A word of 64 bits, written as 16 lower-case hexadecimal digits: many languages read numbers in JSON as doubles, which
/// hold only 53 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hex(pub u64);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match u64::from_str_radix(&text, 16) {
            Ok(word) if text.len() == 16 && text.bytes().all(is_digit) => Ok(Self(word)),
            _ => Err(de::Error::invalid_value(
                de::Unexpected::Str(&text),
                &"16 lower-case hexadecimal digits",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_16_lower_case_digits_and_nothing_else() {
        let word = Hex(0x00f1);
        let text = serde_json::to_string(&word).unwrap();
        assert_eq!(text, "\"00000000000000f1\"");
        assert_eq!(serde_json::from_str::<Hex>(&text).unwrap(), word);
        for bad in [
            "\"f1\"",
            "\"00000000000000F1\"",
            "\"+0000000000000f1\"",
            "241",
        ] {
            assert!(serde_json::from_str::<Hex>(bad).is_err(), "{bad}");
        }
    }
}
