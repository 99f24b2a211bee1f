//! Every shape describes itself to `OpenAPI`, and reads back as it was written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use serde_json::json;
use utoipa::OpenApi;
use weft_api::{
    ApiProblem, AttachmentCreate, AttachmentView, ClusterInit, ClusterJoin, ClusterLeave, Done,
    DropsView, EndpointKind, EndpointView, NetworkCreate, NetworkView, NodeView, ProblemKind,
    Standing, Status, TokenRotate, TokenView,
};

#[derive(OpenApi)]
#[openapi(components(schemas(
    ApiProblem,
    AttachmentCreate,
    AttachmentView,
    ClusterInit,
    ClusterJoin,
    ClusterLeave,
    Done,
    DropsView,
    EndpointView,
    NetworkCreate,
    NetworkView,
    NodeView,
    Status,
    TokenRotate,
    TokenView
)))]
struct Document;

#[test]
fn every_shape_is_in_the_document() {
    let document = serde_json::to_value(Document::openapi()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in ["Status", "ClusterView", "ReconcileView", "BlockView", "Standing", "ProblemKind"] {
        assert!(schemas.contains_key(name), "{name}");
    }
    let subnet = &schemas["NetworkCreate"]["properties"]["subnet"]["type"];
    assert_eq!(*subnet, json!(["string", "null"]));
}

#[test]
fn a_misspelt_field_is_refused() {
    let error = serde_json::from_value::<ClusterInit>(json!({"pool": []})).unwrap_err();
    assert!(error.to_string().contains("unknown field `pool`"), "{error}");
}

#[test]
fn the_words_are_those_of_the_contract() {
    assert_eq!(json!(Standing::Own), json!("self"));
    assert_eq!(json!(Standing::Unreachable), json!(Standing::Unreachable.word()));
    assert_eq!(json!(Standing::Indirect), json!("indirect"));
    assert_eq!(json!(EndpointKind::Plain), json!(EndpointKind::Plain.word()));
    assert_eq!(json!(ProblemKind::BadInput), json!("bad_input"));
}

#[test]
fn each_kind_of_problem_reads_back_from_its_status() {
    let early = [ProblemKind::BadInput, ProblemKind::NotFound, ProblemKind::Denied];
    let late = [ProblemKind::Conflict, ProblemKind::Unavailable, ProblemKind::Unsettled];
    for kind in early.into_iter().chain(late) {
        assert_eq!(ProblemKind::of_status(kind.status()), kind);
    }
}
