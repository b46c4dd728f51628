//! Reads what the Linux kernel says under `/proc` and `/sys`.

use super::Root;

/// The value in the first line of the form `key : value`, with any white space around the colon.
pub fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim())
}

/// The number in the first line of the form `key: number`.
pub fn number(text: &str, key: &str) -> Option<u64> {
    field(text, key)?.parse().ok()
}

/// The bytes in the first line of the form `key: number kB`. The kernel's `kB` is 1024 bytes.
pub fn bytes(text: &str, key: &str) -> Option<u64> {
    let kilobytes = field(text, key)?.strip_suffix("kB")?.trim_end();
    kilobytes.parse::<u64>().ok()?.checked_mul(1024)
}

/// The ids of the threads of a process, in ascending order. `process` is the name of its folder in `/proc`. Empty if it
/// does not exist.
///
/// Ids increase until they wrap at the kernel's `pid_max`, so threads mostly come in the order in which they were started.
pub fn threads(root: &Root, process: &str) -> Vec<u32> {
    let names = root.names(&format!("/proc/{process}/task"));
    let mut ids: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).collect();
    ids.sort_unstable();
    ids
}

/// No machine has more cores: `NR_CPUS` of Linux is at most 8192. This prevents an invalid range from filling the
/// memory.
const MOST_CORES: u32 = 8192;

/// The numbers of a list of cores such as `0-3,8`; `None` if it is not a list. An empty text is an empty list.
pub fn core_list(text: &str) -> Option<Vec<u32>> {
    let mut cores = Vec::new();
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if last >= MOST_CORES {
            return None;
        }
        cores.extend(first..=last);
    }
    Some(cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_field_by_its_whole_name() {
        let text =
            "VmHWM:\t    1764 kB\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(number(text, "voluntary_ctxt_switches"), Some(7));
        assert_eq!(number(text, "nonvoluntary_ctxt_switches"), Some(3));
        assert_eq!(bytes(text, "VmHWM"), Some(1764 * 1024));
        assert_eq!(field(text, "VmHW"), None);
    }

    #[test]
    fn a_value_that_is_no_number_is_none() {
        assert_eq!(number("a: -1", "a"), None);
        assert_eq!(bytes("a: 18446744073709551615 kB", "a"), None);
        assert_eq!(bytes("a: 5", "a"), None);
        assert_eq!(bytes("", "a"), None);
    }

    #[test]
    fn reads_lists_of_cores() {
        assert_eq!(core_list("0-3,8,10-11"), Some(vec![0, 1, 2, 3, 8, 10, 11]));
        assert_eq!(core_list("5"), Some(vec![5]));
        assert_eq!(core_list(""), Some(vec![]));
    }

    #[test]
    fn refuses_what_is_no_list_of_cores() {
        for text in ["x", "0-", "-3", "0-4294967295", "1;2", "99999999999"] {
            assert_eq!(core_list(text), None, "{text}");
        }
        assert_eq!(core_list("3-1"), Some(vec![]));
    }
}
