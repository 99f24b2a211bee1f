//! The ratios as a picture.

use super::outcome::Row;

/// Pixels of a bar that is as good as the raw path.
const FULL: f64 = 360.0;
/// Where bars begin.
const LEFT: u32 = 220;
/// A bar with the room around it.
const LINE: u32 = 16;
/// The room between two tests.
const GAP: u32 = 10;
/// Fills of the variants, in their order.
const COLOURS: [&str; 4] = ["#9aa0a6", "#d9822b", "#2b7bd9", "#2ba35b"];

/// A bar a row, as long as its ratio to the raw path.
pub(crate) fn svg(rows: &[Row]) -> String {
    let mut variants: Vec<&str> = Vec::new();
    let (mut bars, mut y, mut before) = (String::new(), 30, "");
    for row in rows {
        if !variants.contains(&row.variant) {
            variants.push(row.variant);
        }
        if row.test != before {
            y += GAP;
            before = &row.test;
            bars.push_str(&text(8, y + 11, &row.test));
        }
        let colour = variants.iter().position(|known| *known == row.variant).unwrap_or_default();
        bars.push_str(&bar(row, y, COLOURS.get(colour).unwrap_or(&"#000")));
        y += LINE;
    }
    let mut legend = String::new();
    for (place, (variant, colour)) in (0_u32..).zip(variants.iter().zip(COLOURS)) {
        let x = LEFT + place * 130;
        legend.push_str(&format!("<rect x='{x}' y='10' width='10' height='10' fill='{colour}'/>"));
        legend.push_str(&text(x + 14, 19, variant));
    }
    let height = y + 20;
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='760' height='{height}' \
         font-family='sans-serif' font-size='11'>\n{legend}\n{bars}</svg>\n"
    )
}

fn bar(row: &Row, y: u32, colour: &str) -> String {
    let width = (row.ratio_to_raw * FULL).clamp(0.0, 1.4 * FULL);
    let label = format!("{:.2} ({:.1} {})", row.ratio_to_raw, row.median, row.unit);
    format!(
        "<rect x='{LEFT}' y='{y}' width='{width:.0}' height='12' fill='{colour}'/>\
         <text x='{:.0}' y='{}'>{label}</text>\n",
        f64::from(LEFT) + width + 4.0,
        y + 10
    )
}

fn text(x: u32, y: u32, words: &str) -> String {
    format!("<text x='{x}' y='{y}'>{words}</text>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_bar_as_long_as_its_ratio() {
        let row = |variant, ratio_to_raw| Row {
            variant,
            test: "tcp_rr".into(),
            unit: "us",
            median: 40.0,
            ratio_to_raw,
            samples: vec![40.0],
        };
        let svg = svg(&[row("raw", 1.0), row("weft-bridge", 0.5)]);
        assert!(svg.contains("width='360'") && svg.contains("width='180'"), "{svg}");
        assert!(svg.contains(">weft-bridge<") && svg.ends_with("</svg>\n"), "{svg}");
    }
}
