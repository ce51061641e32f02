//! Workbooks made of any bytes, as their sheets' XML.

use std::io::Write as _;

/// Formats of cells: 1 is a date, 2 a date with a time, 3 a time, 4 a span, 5 a percentage, 6 a currency.
const STYLES: &str = r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<numFmts count="1"><numFmt numFmtId="164" formatCode="&quot;$&quot;0.00"/></numFmts>
<cellXfs count="7"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="21"/><xf numFmtId="46"/>
<xf numFmtId="9"/><xf numFmtId="164"/></cellXfs></styleSheet>"#;

/// A workbook of sheets that are given by name and by the XML of what lies in them.
#[cfg(test)]
pub(super) fn workbook(sheets: &[(&str, String)]) -> Vec<u8> {
    let sheets: Vec<(&str, &[u8])> = sheets.iter().map(|(name, inside)| (*name, inside.as_bytes())).collect();
    written(&sheets, None)
}

/// The bytes as the XML of what lies in the only sheet, and behind a NUL of what lies in the table of shared texts.
#[must_use]
pub fn of(bytes: &[u8]) -> Vec<u8> {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let inside = parts.next().unwrap_or_default();
    written(&[("Sheet1", inside)], parts.next())
}

fn written(sheets: &[(&str, &[u8])], texts: Option<&[u8]>) -> Vec<u8> {
    const MAIN: &str = r#"xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main""#;
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut part = |name: &str, parts: &[&[u8]]| {
        zip.start_file(name, stored).expect("begins");
        for part in parts {
            zip.write_all(part).expect("writes");
        }
    };
    let each = |line: &dyn Fn(usize, &str) -> String| -> String {
        sheets.iter().enumerate().map(|(at, (name, _))| line(at + 1, name)).collect()
    };
    let names = each(&|n, name| format!(r#"<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>"#));
    let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let book = format!(r#"<workbook {MAIN} xmlns:r="{kind}"><sheets>{names}</sheets></workbook>"#);
    part("xl/workbook.xml", &[book.as_bytes()]);
    let relations = |inside: &str| {
        format!(
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inside}</Relationships>"#
        )
    };
    let first = format!(r#"<Relationship Id="rId1" Type="{kind}/officeDocument" Target="xl/workbook.xml"/>"#);
    part("_rels/.rels", &[relations(&first).as_bytes()]);
    let targets = each(&|n, _| {
        format!(r#"<Relationship Id="rId{n}" Type="{kind}/worksheet" Target="worksheets/sheet{n}.xml"/>"#)
    });
    let beside = format!(
        r#"<Relationship Id="rId98" Type="{kind}/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="rId99" Type="{kind}/styles" Target="styles.xml"/>"#
    );
    part("xl/_rels/workbook.xml.rels", &[relations(&(targets + &beside)).as_bytes()]);
    part("xl/styles.xml", &[STYLES.as_bytes()]);
    if let Some(texts) = texts {
        part("xl/sharedStrings.xml", &[format!("<sst {MAIN}>").as_bytes(), texts, b"</sst>"]);
    }
    for (at, (_, inside)) in sheets.iter().enumerate() {
        let name = format!("xl/worksheets/sheet{}.xml", at + 1);
        part(&name, &[format!("<worksheet {MAIN}>").as_bytes(), inside, b"</worksheet>"]);
    }
    zip.finish().expect("finishes").into_inner()
}
