//! Integers in as few bytes as they need: 7 bits per byte, the lowest first; a byte above 127 means that more follow.

/// Appends `value`.
pub(super) fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// The value at the beginning of `bytes` and its length in bytes; `None` if it is cut off or has more than 64 bits.
pub(super) fn take(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7F);
        let shift = 7 * index as u32;
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

/// A signed difference as an unsigned value that is small if the difference is small.
pub(super) fn zigzag(difference: i64) -> u64 {
    (difference << 1 ^ difference >> 63) as u64
}

/// The difference that [`zigzag`] made this value of.
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back_and_a_cut_one_does_not() {
        for value in [0, 1, 127, 128, 300, 1 << 35, i64::MAX as u64, u64::MAX] {
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            assert_eq!(take(&bytes), Some((value, bytes.len())));
            assert_eq!(take(&bytes[..bytes.len() - 1]), None);
            assert_eq!(zigzag(unzigzag(value)), value);
        }
        assert_eq!([zigzag(0), zigzag(-1), zigzag(1)], [0, 1, 2]);
    }

    #[test]
    fn more_than_64_bits_are_refused() {
        assert_eq!(take(&[0xFF; 11]), None);
        let mut beyond = [0xFF; 10];
        beyond[9] = 2;
        assert_eq!(take(&beyond), None);
    }
}
