//! How networks look to people.

use weft_api::{NetworkTables, NetworkView};

use crate::display::{joined, pairs, short};
use crate::paint::Paint;
use crate::sheet::Sheet;
use crate::table::{Table, plain};

/// One line a network.
pub(crate) fn table(networks: &[NetworkView], paint: Paint) -> String {
    let header = ["NAME", "ID", "VNI", "SUBNET", "MTU", "INTERNAL", "NODES", "ENDPOINTS"];
    let mut table = Table::new(paint, &header);
    for network in networks {
        table.row([
            plain(network.name.as_ref().map(ToString::to_string).unwrap_or_default()),
            plain(short(network.id)),
            plain(network.vni),
            plain(joined(&network.subnets)),
            plain(network.mtu),
            plain(if network.internal { "yes" } else { "no" }),
            plain(network.participants.len()),
            plain(network.endpoints),
        ]);
    }
    table.text()
}

/// What a kernel holds of a network.
pub(crate) fn tables(tables: &NetworkTables, paint: Paint) -> String {
    let mut rows = Table::new(paint, &["ADDRESS", "STATION", "AT"]);
    let host = |mac| tables.homes.iter().find(|home| home.mac == mac).map(|home| home.host);
    for address in &tables.addresses {
        let at = host(address.mac).map_or_else(|| "no host".to_owned(), |host| host.to_string());
        rows.row([plain(address.address), plain(address.mac), plain(at)]);
    }
    for home in &tables.homes {
        if !tables.addresses.iter().any(|address| address.mac == home.mac) {
            rows.row([plain("no address"), plain(home.mac), plain(home.host)]);
        }
    }
    for port in &tables.ports {
        rows.row([plain(""), plain(port), plain("here")]);
    }
    format!("VNI {}, carried by {}\n{}", tables.vni, tables.engine, rows.text())
}

/// One network, whole.
pub(crate) fn sheet(network: &NetworkView, paint: Paint) -> String {
    let name = network.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let ranges: Vec<String> = network.blocks.iter().map(|block| block.range.to_string()).collect();
    let width = ranges.iter().map(String::len).max().unwrap_or_default();
    let blocks = ranges
        .iter()
        .zip(&network.blocks)
        .map(|(range, block)| format!("{range:width$}   {}", block.node));
    Sheet::new(paint)
        .line("Name", name)
        .line("Id", network.id)
        .line("VNI", network.vni)
        .list("Subnets", &network.subnets)
        .list("Gateway", network.gateway)
        .line("MTU", network.mtu)
        .line("Internal", if network.internal { "yes" } else { "no" })
        .line("Endpoints", network.endpoints)
        .list("Nodes", &network.participants)
        .list("Blocks", blocks)
        .list("Options", pairs(&network.options))
        .list("Labels", pairs(&network.labels))
        .line("Created", network.created.as_deref().unwrap_or_default())
        .text()
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;

    #[test]
    fn networks_are_one_a_line() {
        assert_eq!(
            table(&samples::networks(), Paint::Plain),
            "\
NAME   ID             VNI    SUBNET        MTU    INTERNAL   NODES   ENDPOINTS
app    000000000000   4100   10.7.0.0/16   1450   no         2       3
-      000000000000   4101   10.8.0.0/16   1450   yes        0       0"
        );
    }

    #[test]
    fn one_network_is_a_sheet() {
        assert_eq!(
            sheet(&samples::networks()[0], Paint::Plain),
            "\
Name        app
Id          00000000000000000000000000000001
VNI         4100
Subnets     10.7.0.0/16
Gateway     10.7.0.1
MTU         1450
Internal    no
Endpoints   3
Nodes       a
            b
Blocks      10.7.0.8/29    a
            10.7.0.16/29   b
Labels      team=shop
"
        );
    }
}
