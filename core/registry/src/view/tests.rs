use super::*;

fn change(revision: Revision, key: &str, value: Option<&str>) -> Change {
    Change { revision, key: key.into(), value: value.map(Into::into) }
}

#[test]
fn an_unreadable_value_names_its_key_and_changes_nothing() {
    let mut view = View::default();
    view.apply(&change(1, "/networks", Some("1"))).unwrap();
    let before = view.clone();
    let id = NetworkId::from_random(1);
    let cases = [
        (format!("/network/{id}"), "{}"),
        ("/networks".to_owned(), "many"),
        ("/cluster".to_owned(), ""),
        ("/vni/7".to_owned(), "1"),
        (format!("/block/{id}/10.0.0.0"), "{}"),
    ];
    for (key, value) in cases {
        let error = view.apply(&change(2, &key, Some(value))).unwrap_err();
        assert_eq!(error.key, key);
        assert!(error.to_string().contains(&key), "{error}");
        assert!(error.hint().contains("upgrade"));
        assert_eq!(view, before);
        let entries = vec![Entry { key: key.clone(), value: value.into(), modified: 2 }];
        let error = View::from_snapshot(&Snapshot { revision: 2, entries }).unwrap_err();
        assert_eq!(error.key, key);
    }
}

#[test]
fn a_record_under_the_wrong_key_is_unreadable() {
    let token = r#"{"role":"worker","salt":"cd","sha256":"ab","expires_at":null}"#;
    let mut view = View::default();
    view.apply(&change(1, "/token/worker", Some(token))).unwrap();
    let error = view.apply(&change(2, "/token/manager", Some(token))).unwrap_err();
    assert_eq!(error.cause, "it is about something else");
}

#[test]
fn entries_of_newer_versions_are_kept_unread() {
    let mut view = View::default();
    view.apply(&change(1, "/service/web", Some("\u{1}"))).unwrap();
    let snapshot = view.to_snapshot();
    assert_eq!(snapshot.entries.len(), 1);
    assert_eq!(View::from_snapshot(&snapshot), Ok(view));
}

#[test]
fn older_changes_are_ignored() {
    let mut view = View::default();
    view.apply(&change(5, "/networks", Some("5"))).unwrap();
    view.apply(&change(4, "/networks", Some("4"))).unwrap();
    assert_eq!(view.next(&Key::Networks), 6);
    assert_eq!(view.revision(), 5);
}
