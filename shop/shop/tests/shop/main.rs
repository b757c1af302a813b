//! The shop's back-end as its clients see it: its services at work together, behind a gateway, over HTTP.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod brokers;
mod client;
mod contracts;
mod customers;
mod documents;
mod inventory;
mod invoicing;
mod joining;
mod killing;
mod ordering;
mod past;
mod payment;
mod products;
mod read_models;
mod recommendations;
mod reviews;
mod seeding;
mod system;
