//! Synthetic messages of the sizes that the bars name.

/// An ADT^A01 of 827 bytes.
pub fn adt() -> String {
    let text = "MSH|^~\\&|REGSYS|NORTH|EHR|NORTH|20260103081530||ADT^A01^ADT_A01|20260103-000017|P|2.5.1|||AL|NE\r\
        EVN|A01|20260103081530|||OP77^Okafor^Ada\r\
        PID|1||100042^^^NORTH^MR~000-00-0000^^^SSA^SS||Byrne^Zoe^M^^Ms||19840703|F||2106-3|12 Harbour Rd^^Springfield^IL^62701^USA^H\
||(217)555-0142^PRN^PH^zoe@example.test^^217^5550142|(217)555-0199^WPN|ENG|M|CHR|V0001042^^^NORTH^VN\r\
        NK1|1|Byrne^Tom|SPO|12 Harbour Rd^^Springfield^IL^62701|(217)555-0143\r\
        PV1|1|I|CARD^12^A^NORTH||||D77^Okafor^Ada^^^Dr|D78^Lindqvist^Per||CAR||||2|||D77^Okafor^Ada|IN|V0001042||||||||||||||||||||||||\
|20260103080000\r\
        AL1|1|DA|^Penicillin|SV|Rash\r\
        DG1|1||I20.0^Unstable angina^I10|||A\r\
        IN1|1|PPO|INS01|Acme Health Mutual|1 Insurer Plaza^^Springfield^IL^62702|||GRP-99|||||||Byrne^Zoe|SEL|19840703\r";
    text.to_owned()
}

/// An ORU^R01 with 200 OBX.
pub fn oru() -> String {
    let mut text = String::from(
        "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260103081530||ORU^R01^ORU_R01|20260103-000018|P|2.5.1\r\
         PID|1||100042^^^NORTH^MR||Byrne^Zoe||19840703|F\rOBR|1|P1|F1|24331-1^Lipid panel^LN|||20260103080000\r",
    );
    for n in 1..=200 {
        text.push_str(&format!(
            "OBX|{n}|NM|{}-5^Analyte \\T\\ fraction {n}^LN^A{n}^Local name^L||{}.{}|mmol/L|3.5-5.1|N|||F|||20260103080{}|LAB^Main\r",
            2000 + n,
            n % 9,
            n % 10,
            n % 10
        ));
    }
    text
}

/// A message with one field of a megabyte.
pub fn document() -> String {
    let mut text = String::from(
        "MSH|^~\\&|DOC|NORTH|EHR|NORTH|20260103||MDM^T02^MDM_T02|d1|P|2.5.1\rOBX|1|ED|a||^^PDF^Base64^",
    );
    text.extend(
        std::iter::repeat_n("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0NTY3ODkw", 1 << 20 >> 5)
            .flat_map(|s| s[..32].chars()),
    );
    text.push_str("||||||F\r");
    text
}
