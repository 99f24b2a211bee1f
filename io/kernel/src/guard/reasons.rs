//! The programs' numbers for reasons: the enumeration in `bpf/reason.h`.

use weft_path::Reason;

/// In the order of the header, which begins with `PASS`.
pub(super) const REASONS: [Reason; 19] = [
    Reason::NotUnderlay,
    Reason::Fragment,
    Reason::BadHeader,
    Reason::UnknownPeer,
    Reason::UnknownVni,
    Reason::NotOwner,
    Reason::ControlPort,
    Reason::SpoofedMac,
    Reason::SpoofedAddress,
    Reason::SpoofedArp,
    Reason::SpoofedNd,
    Reason::RouterAdvertisement,
    Reason::DhcpServer,
    Reason::Ipv6Off,
    Reason::UnknownAddress,
    Reason::NoHome,
    Reason::TooBig,
    Reason::HostUnreachable,
    Reason::NoPort,
];

/// The reason of a number.
pub(super) fn of(number: u32) -> Option<Reason> {
    let place = usize::try_from(number).ok()?.checked_sub(1)?;
    REASONS.get(place).copied()
}

/// Numbers and reasons.
pub(super) fn all() -> impl Iterator<Item = (u32, Reason)> {
    (1..).zip(REASONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_the_same_words_in_the_same_order() {
        let header = include_str!("../../../../bpf/reason.h");
        let (_, body) = header.split_once("PASS,").unwrap();
        let (words, _) = body.split_once("REASONS,").unwrap();
        let words: Vec<String> = words
            .split(',')
            .map(|word| word.trim().to_lowercase())
            .filter(|w| !w.is_empty())
            .collect();
        assert_eq!(words, REASONS.map(Reason::word));
    }
}
