//! GraphQL over HTTP, request by request.

mod audit;
mod cross_site;
mod event_stream;
mod negotiation;
mod options;
mod parameters;
mod persisted;
mod playground;
mod request;
