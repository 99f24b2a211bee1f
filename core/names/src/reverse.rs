//! The names of addresses: `in-addr.arpa` (RFC 1035 §3.5) and `ip6.arpa` (RFC 3596 §2.5).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address that a reverse name stands for, if it stands for a whole one.
///
/// Without case, with or without the trailing dot.
#[must_use]
pub fn parse_reverse(name: &str) -> Option<IpAddr> {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let v4 = name.strip_suffix(".in-addr.arpa").and_then(parse_octets).map(IpAddr::V4);
    v4.or_else(|| name.strip_suffix(".ip6.arpa").and_then(parse_nibbles).map(IpAddr::V6))
}

fn parse_octets(labels: &str) -> Option<Ipv4Addr> {
    let octets: Option<Vec<u8>> = labels.split('.').rev().map(parse_octet).collect();
    <[u8; 4]>::try_from(octets?).ok().map(Ipv4Addr::from)
}

/// `010` and `+1` are not how an octet is written.
fn parse_octet(label: &str) -> Option<u8> {
    let plain =
        label.bytes().all(|b| b.is_ascii_digit()) && (label == "0" || !label.starts_with('0'));
    plain.then(|| label.parse().ok()).flatten()
}

fn parse_nibbles(labels: &str) -> Option<Ipv6Addr> {
    let nibbles: Option<Vec<u128>> = labels.split('.').rev().map(parse_nibble).collect();
    let nibbles: [u128; 32] = nibbles?.try_into().ok()?;
    Some(Ipv6Addr::from_bits(nibbles.into_iter().fold(0, |bits, nibble| bits << 4 | nibble)))
}

fn parse_nibble(label: &str) -> Option<u128> {
    let mut digits = label.chars();
    let digit = digits.next()?.to_digit(16)?;
    digits.next().is_none().then_some(digit.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_and_nibbles_are_read_backwards() {
        let v6 = format!("1.{}8.b.d.0.1.0.0.2.IP6.ARPA.", "0.".repeat(23));
        assert_eq!(parse_reverse("4.0.7.10.in-addr.arpa"), Some("10.7.0.4".parse().unwrap()));
        assert_eq!(parse_reverse(&v6), Some("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn parts_of_an_address_and_odd_spellings_are_no_addresses() {
        for name in [
            "7.10.in-addr.arpa",
            "1.4.0.7.10.in-addr.arpa",
            "04.0.7.10.in-addr.arpa",
            "+4.0.7.10.in-addr.arpa",
            "256.0.7.10.in-addr.arpa",
            "in-addr.arpa",
            ".in-addr.arpa",
            "1.ip6.arpa",
            "web",
        ] {
            assert_eq!(parse_reverse(name), None, "{name}");
        }
    }
}
