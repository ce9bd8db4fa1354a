//! Query strings, read strictly: an unknown parameter or one given twice is refused (contract magnum-v1 section 2.0).

use std::collections::BTreeMap;
use std::fmt::Display;
use std::num::IntErrorKind;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use jeroboam_store::Page;
use serde_json::Value;
use url::form_urlencoded;
use uuid::Uuid;

use super::fields::read_boolean;
use super::{ApiError, Result};

/// Largest page of a list, and the page when the client names none.
pub(crate) const MAX_LIMIT: u64 = 1000;

/// The parameters of a request that have not been read yet.
#[derive(Debug)]
pub(crate) struct Params(BTreeMap<String, String>);

/// A page of a list and how to ask for the next one.
#[derive(Debug)]
pub(crate) struct Listing<M = Uuid> {
    /// For the store.
    pub(crate) page: Page<M>,
    sort_key: String,
    sort_dir: &'static str,
    /// Filters, to be kept in the link to the next page.
    filters: Vec<(&'static str, String)>,
}

impl Params {
    /// Takes a parameter out.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Takes a boolean parameter out.
    pub(crate) fn boolean(&mut self, name: &str) -> Result<Option<bool>> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let value = read_boolean(&Value::String(text));
        value.map(Some).ok_or_else(|| ApiError::field(name, "must be true or false"))
    }

    /// The parameters that all lists have. Refuses others that have not been taken before.
    pub(crate) fn listing(self, filters: Vec<(&'static str, String)>) -> Result<Listing> {
        self.listing_by(filters, "a uuid")
    }

    /// The same where markers are something else; `marker_is` says what.
    pub(crate) fn listing_by<M: FromStr>(
        mut self,
        filters: Vec<(&'static str, String)>,
        marker_is: &str,
    ) -> Result<Listing<M>> {
        let limit = match self.take("limit") {
            None => MAX_LIMIT,
            Some(text) => match text.parse::<u64>().map_err(|error| *error.kind()) {
                Ok(limit) if limit > 0 => limit.min(MAX_LIMIT),
                Err(IntErrorKind::PosOverflow) => MAX_LIMIT,
                _ => return Err(ApiError::field("limit", format!("must be a number above 0, this is '{text}'"))),
            },
        };
        let marker = match self.take("marker") {
            None => None,
            Some(text) => Some(
                text.parse::<M>()
                    .map_err(|_| ApiError::field("marker", format!("must be {marker_is}, this is '{text}'")))?,
            ),
        };
        let sort_key = self.take("sort_key").filter(|key| !key.is_empty()).unwrap_or_else(|| "id".to_owned());
        let sort_dir = match self.take("sort_dir").as_deref() {
            None | Some("asc") => "asc",
            Some("desc") => "desc",
            Some(other) => return Err(ApiError::field("sort_dir", format!("must be asc or desc, this is '{other}'"))),
        };
        self.finish()?;
        let page = Page {
            limit,
            marker,
            // The internal id: the order of creation.
            sort_key: (sort_key != "id").then(|| sort_key.clone()),
            descending: sort_dir == "desc",
        };
        Ok(Listing { page, sort_key, sort_dir, filters })
    }

    /// Refuses parameters that have not been taken.
    pub(crate) fn finish(self) -> Result<()> {
        match self.0.keys().next() {
            Some(name) => Err(ApiError::field(name, "is not a parameter of this request")),
            None => Ok(()),
        }
    }
}

impl<M: Display> Listing<M> {
    /// The link to the next page: there when this one is full (contract magnum-v1 section 4).
    pub(crate) fn next(&self, collection_url: &str, markers: impl ExactSizeIterator<Item = M>) -> Option<String> {
        let count = u64::try_from(markers.len()).unwrap_or(u64::MAX);
        let last = markers.last().filter(|_| count >= self.page.limit)?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.filters);
        query.append_pair("sort_key", &self.sort_key);
        query.append_pair("sort_dir", self.sort_dir);
        query.append_pair("limit", &self.page.limit.to_string());
        query.append_pair("marker", &last.to_string());
        Some(format!("{collection_url}?{}", query.finish()))
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut params = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            if params.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(ApiError::field(name, "is given twice"));
            }
        }
        Ok(Self(params))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        Params(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    // Covers: R123.
    #[test]
    fn lists_take_their_parameters_and_no_others() {
        let page = params(&[]).listing(Vec::new()).unwrap().page;
        assert_eq!(page, Page::default());
        let page =
            params(&[("limit", "5000"), ("sort_dir", "desc"), ("sort_key", "name")]).listing(Vec::new()).unwrap().page;
        assert_eq!((page.limit, page.descending, page.sort_key.as_deref()), (1000, true, Some("name")));
        for (name, value) in
            [("limit", "0"), ("limit", "-1"), ("limit", "x"), ("marker", "x"), ("sort_dir", "up"), ("nope", "1")]
        {
            let error = params(&[(name, value)]).listing(Vec::new()).unwrap_err();
            assert_eq!(error.field.as_deref(), Some(name));
        }
    }

    #[test]
    fn there_is_a_next_page_exactly_when_this_one_is_full() {
        let listing = params(&[("limit", "2")]).listing(vec![("role", "worker".to_owned())]).unwrap();
        let uuids = [Uuid::from_u128(1), Uuid::from_u128(2)];
        assert_eq!(
            listing.next("http://h/v1/x", uuids.iter().copied()).unwrap(),
            format!("http://h/v1/x?role=worker&sort_key=id&sort_dir=asc&limit=2&marker={}", uuids[1])
        );
        assert!(listing.next("http://h/v1/x", uuids[..1].iter().copied()).is_none());
    }
}
