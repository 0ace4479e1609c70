//! The commands of hl7-map's guide, in their order, with the files that it shows.

use crate::hl7_in;

const GUIDE: &str = include_str!("../../../../hl7-map/guide/from-a-sample.md");

fn blocks<'g>(language: &str) -> Vec<&'g str> {
    let starts = GUIDE.split("```").skip(1).step_by(2);
    starts.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n')).collect()
}

#[test]
fn the_guide_s_commands_make_a_running_mapping() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sample.hl7"), blocks("hl7")[0]).unwrap();
    std::fs::write(folder.path().join("payload.json"), blocks("json")[0]).unwrap();
    let commands: Vec<&str> = blocks("sh").into_iter().flat_map(str::lines).collect();
    assert_eq!(commands.len(), 7);
    for command in commands {
        let (words, into) =
            command.split_once(" > ").map_or((command, None), |(words, file)| (words, Some(file)));
        let arguments: Vec<&str> = words.split(' ').skip(1).collect();
        let run = hl7_in(folder.path(), &arguments);
        assert_eq!(run.code, 0, "{command}: {}{}", run.out, run.err);
        if let Some(file) = into {
            std::fs::write(folder.path().join(file), &run.out).unwrap();
        }
        if command.contains("infer") {
            assert!(run.err.contains("TODO PID-16") && run.err.contains("TODO PID-19"), "{}", run.err);
        }
    }
    let draft = std::fs::read_to_string(folder.path().join("mapping.yaml")).unwrap();
    let bare: Vec<&str> = draft.lines().map(|line| line.split(" #").next().unwrap().trim_end()).collect();
    for line in blocks("yaml")[0].lines() {
        assert!(bare.contains(&line), "{line}\n{draft}");
    }
}
