//! How full the programs' tables are.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use weft_kernel::TableUse;
use weft_telemetry::Metrics;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    table: &'static str,
}

/// One number for each table; clones are the same ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    rows: Family<Labels, Gauge>,
    capacity: Family<Labels, Gauge>,
    bytes: Family<Labels, Gauge>,
}

impl Tables {
    /// Puts them on the list.
    pub(super) fn register(&self, metrics: &Metrics) {
        let add = |name, help, family: &Family<_, _>| metrics.register(name, help, family.clone());
        add(
            "table_rows",
            "Rows of the programs' tables: homes of stations, neighbors, members that broadcasts go \
             to, vnis, ports, peers. Near their capacity: start the agent with a larger --table-rows",
            &self.rows,
        );
        add(
            "table_capacity",
            "Rows that the programs' tables have room for: --table-rows",
            &self.capacity,
        );
        add("table_bytes", "Memory of the kernel's that the programs' tables take", &self.bytes);
    }

    /// Takes over what was read.
    pub(super) fn refresh(&self, tables: &[TableUse]) {
        for &TableUse { table, rows, most, bytes } in tables {
            let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
            self.rows.get_or_create(&Labels { table }).set(number(rows));
            self.capacity.get_or_create(&Labels { table }).set(number(most));
            self.bytes.get_or_create(&Labels { table }).set(number(bytes));
        }
    }
}
