//! JSON in and out; a body that cannot be understood is a problem like any other.

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use weft_api::{ApiProblem, ProblemKind};

use crate::problem::problem;

/// A body of a request or of an answer.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

/// A problem on its way out.
#[derive(Debug)]
pub(super) struct Refused(ApiProblem);

/// What a handler answers.
pub(super) type Reply<T> = Result<Json<T>, Refused>;

impl From<ApiProblem> for Refused {
    fn from(problem: ApiProblem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.kind.status());
        (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), axum::Json(self.0)).into_response()
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T, S> FromRequest<S> for Json<T>
where
    axum::Json<T>: FromRequest<S, Rejection = JsonRejection>,
    S: Send + Sync,
{
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => {
                let what = rejection.body_text();
                Err(problem(ProblemKind::BadInput, what, "see /v1/openapi.json").into())
            }
        }
    }
}

/// What is no route of this API.
pub(super) async fn unknown(request: Request) -> Refused {
    let what = format!("there is no {} {}", request.method(), request.uri().path());
    problem(ProblemKind::NotFound, what, "see /v1/openapi.json").into()
}
