//! GUIDs as text.

/// The string form ([MS-DTYP] 2.3.4.3) of the octets as they are stored.
pub(super) fn text(octets: [u8; 16]) -> String {
    let number = u128::from_be_bytes(octets);
    let [a, b, c, d, e, f, g, h, ..] = octets;
    let (data1, data2, data3) =
        (u32::from_le_bytes([a, b, c, d]), u16::from_le_bytes([e, f]), u16::from_le_bytes([g, h]));
    let (data4, node) = (number >> 48 & 0xffff, number & 0xffff_ffff_ffff);
    format!("{data1:08x}-{data2:04x}-{data3:04x}-{data4:04x}-{node:012x}")
}
