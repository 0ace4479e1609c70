//! XML that is meant to harm: refused soon, or read in one pass.

use hl7_core::{Message, ReadOptions};

fn refused(xml: &str) -> &'static str {
    Message::from_xml(xml).expect_err("read").code()
}

fn whole(body: &str) -> String {
    format!("<A><MSH><MSH.3>a</MSH.3></MSH>{body}</A>")
}

fn value(text: &str) -> String {
    whole(&format!("<PID><PID.1>{text}</PID.1></PID>"))
}

#[test]
fn no_document_type_and_no_entity_is_read() {
    let laughs = "<!DOCTYPE a [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>";
    let external = "<!DOCTYPE a [<!ENTITY c SYSTEM \"file:///etc/passwd\">]>";
    let parameter = "<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://localhost/x.dtd\"> %p;]>";
    for before in [laughs, external, parameter, "<!DOCTYPE a>", "<!DOCTYPE a SYSTEM \"x.dtd\">"] {
        assert_eq!(refused(&(before.to_owned() + &value("&c;"))), "C302", "{before}");
    }
    let undefined =
        ["&c;", "&nbsp;", "&LT;", "&#x;", "&#;", "&#-1;", "&#x110000;", "&#99999999999999999999;", "&#0;"];
    for entity in undefined {
        let code = refused(&value(entity));
        assert!(["C301", "C302"].contains(&code), "{entity}: {code}");
        let code = refused(&value(&format!("<escape V='{entity}'/>")));
        assert_eq!(code, "C307", "{entity}");
    }
}

#[test]
fn depth_and_attributes_are_limited() {
    let deep = |count: usize| whole(&("<a.a>".repeat(count) + &"</a.a>".repeat(count)));
    assert!(Message::from_xml(&deep(31)).is_ok());
    assert_eq!(refused(&deep(32)), "C308");
    assert_eq!(refused(&"<a.a>".repeat(1_000_000)), "C308");
    let with = |count: usize| (0..count).map(|at| format!(" a{at}=''")).collect::<String>();
    for (element, more) in [
        ("<A{}><MSH/></A>", 0),
        ("<A><MSH/><PID{}/></A>", 0),
        ("<A><MSH/><PID><PID.1><escape V='H'{}/></PID.1></PID></A>", 1),
    ] {
        assert!(Message::from_xml(&element.replace("{}", &with(64 - more))).is_ok(), "{element}");
        assert_eq!(refused(&element.replace("{}", &with(65 - more))), "C314", "{element}");
        assert_eq!(refused(&element.replace("{}", &with(1_000_000))), "C314", "{element}");
    }
}

#[test]
fn a_short_text_does_not_become_a_long_message() {
    let far = whole(&"<PID><PID.999>a</PID.999></PID>".repeat(2_000));
    let options = ReadOptions::new().max_bytes(1 << 20);
    assert_eq!(options.read_xml(&far).unwrap_err().code(), "C309");
    assert!(far.len() < 1 << 20);
}

#[test]
fn long_texts_are_read_in_one_pass() {
    let many = 100_000;
    let texts = [
        value(&"a".repeat(10 * many)),
        value(&"&amp;".repeat(many)),
        value(&"a<!--b-->".repeat(many)),
        value(&"<![CDATA[ ]]>".repeat(many)),
        value(&"<escape V='H'/>".repeat(many)),
        value(&"\n".repeat(10 * many)),
        whole(&"<PID><PID.1>a</PID.1></PID>".repeat(many / 4)),
        whole(&format!("<PID>{}</PID>", "<PID.1/>".repeat(many))),
        whole(&format!("<ZAA>{}</ZAA>", "<ZAA.1>a</ZAA.1>".repeat(many))),
        whole(&"<a.a/>".repeat(many)),
    ];
    for xml in texts {
        let msg = Message::from_xml(&xml).unwrap();
        let again = Message::from_xml(&msg.to_xml().unwrap()).unwrap();
        assert_eq!(again.iter().len(), msg.iter().len());
    }
    for broken in ["<", "&", "<a ", "<!--", "<![CDATA[", "</A>", "<?", "<a.a>"] {
        refused(&value(&broken.repeat(many)));
    }
}
