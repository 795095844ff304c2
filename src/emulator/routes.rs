//! The way of a request: latency, fault, token, quota, handler, headers, ledger.
//!
//! Leaves to others: every single step.

use http::{Method, StatusCode};
use serde_json::Value;

use super::clock::http_date;
use super::contract::{judge, takes_other_methods};
use super::errors::Refusal;
use super::faults::Action;
use super::http::{Answer, JSON, Loss, Request};
use super::invitations::{REDEEM, error_in_201};
use super::ledger::{Ledger, RequestEntry, Violation};
use super::meters::REPORTED_FROM;
use super::odata::Query;
use super::quota::cost;
use super::state::Shared;

impl Shared {
    /// Answers a request from outside.
    pub(super) async fn exchange(&self, request: Request) -> Answer {
        if self.gate.is_shut().is_some() {
            return Answer::lost(Loss::NoConnection);
        }
        if let ["emulator", rest @ ..] = segments(&request.segments()).as_slice() {
            return self.about_itself(rest, &request);
        }
        if request.path == REDEEM && request.method == Method::GET {
            return self.open_link(&request);
        }
        if self.options.log_requests
            && let Err(refusal) = judge(&request)
        {
            let violation = Violation {
                method: request.method.to_string(),
                path: request.path_and_query(),
                what: refusal.message,
            };
            self.violations().push(violation);
        }
        let place = match self.mailbox_place(&request) {
            Ok(place) => place,
            Err(mut answer) => {
                self.finish(&request, &mut answer, false);
                return *answer;
            }
        };
        if let Some(latency) = self.options.latency_of(&request.method, &request.path) {
            let (least, most) = (latency.start().as_micros(), latency.end().as_micros());
            let micros = fastrand::u128(least..=most.max(least));
            let micros = u64::try_from(micros).unwrap_or(u64::MAX);
            tokio::time::sleep(std::time::Duration::from_micros(micros)).await;
        }
        let answer = self.respond(request, false).await;
        drop(place);
        answer
    }

    /// Answers a request, be it from outside or out of a batch.
    pub(super) async fn respond(&self, request: Request, in_batch: bool) -> Answer {
        let action = self.faults().strike(&request);
        let mut answer = match &action {
            Some(Action::Answer(canned)) => canned.answer(&request, self.clock.now()),
            Some(Action::Drop) => Answer::lost(Loss::Dropped),
            Some(Action::ErrorStatusIn201) => error_in_201(&request),
            Some(Action::CommitThenAnswer(canned)) => {
                let units = self.perform(&request).await.units;
                Answer { units, ..canned.answer(&request, self.clock.now()) }
            }
            Some(Action::CommitThenDrop) => {
                Answer { loss: Loss::Dropped, ..self.perform(&request).await }
            }
            Some(Action::TruncateBody) => {
                Answer { loss: Loss::Truncated, ..self.perform(&request).await }
            }
            Some(Action::Delay(delay)) => {
                tokio::time::sleep(*delay).await;
                self.perform(&request).await
            }
            Some(Action::CommitThenDelay(delay)) => {
                let answer = self.perform(&request).await;
                tokio::time::sleep(*delay).await;
                answer
            }
            Some(Action::Spoil(spoil)) => {
                Answer { loss: Loss::Spoilt(*spoil), ..self.perform(&request).await }
            }
            Some(Action::OneMorePage) => one_more_page(&request, self.perform(&request).await),
            Some(Action::Away(time)) => {
                self.gate.shut(*time).await;
                Answer::lost(Loss::Dropped)
            }
            None => self.perform(&request).await,
        };
        self.finish(&request, &mut answer, in_batch);
        answer
    }

    async fn perform(&self, request: &Request) -> Answer {
        let decoded = request.segments();
        let result = match segments(&decoded).as_slice() {
            [tenant, "oauth2", "v2.0", "token"] => {
                if request.method == Method::POST {
                    return self.token(tenant, request);
                }
                Err(Refusal::method_not_allowed())
            }
            [tenant, "oauth2", "v2.0", "devicecode"] if request.method == Method::POST => {
                return self.device_code(tenant, request);
            }
            [tenant, "v2.0", ".well-known", "openid-configuration"]
                if request.method == Method::GET =>
            {
                return Self::openid_configuration(tenant, request);
            }
            [_, "discovery", "v2.0", "keys"] if request.method == Method::GET => {
                return Self::signing_keys();
            }
            ["common", "discovery", "instance"] if request.method == Method::GET => {
                return self.instance_discovery(request);
            }
            ["v1.0", path @ ..] => return self.graph(path, request).await,
            // The one thing of the beta version that this program reads.
            ["beta", path @ ..] if path == ["policies", "b2bManagementPolicies"] => {
                return self.graph(path, request).await;
            }
            [version, ..] => Err(Refusal::bad_request(format!("Invalid version: {version}"))),
            [] => Err(Refusal::bad_request("Empty Payload. JSON content expected.")),
        };
        result.unwrap_or_else(|refusal| self.refuse(refusal, request))
    }

    /// A call of Graph: token, quota, handler.
    async fn graph(&self, path: &[&str], request: &Request) -> Answer {
        let grant = match self.authorize(request) {
            Ok(grant) => grant,
            Err(refusal) => return self.refuse(refusal, request),
        };
        // A batch costs what its items cost.
        if path == ["$batch"] {
            let result = if request.method == Method::POST {
                self.batch(request).await
            } else {
                Err(Refusal::method_not_allowed())
            };
            return result.unwrap_or_else(|refusal| self.refuse(refusal, request));
        }
        if let ["admin", "exchange", "tracing", rest @ ..] = path {
            let result = if request.method == Method::GET {
                self.traces(&grant, rest, request)
            } else {
                Err(Refusal::method_not_allowed())
            };
            return result.unwrap_or_else(|refusal| self.refuse(refusal, request));
        }
        if let ["users", address, rest @ ..] = path
            && matches!(rest.first(), Some(&("messages" | "mailFolders")))
        {
            let result = self.in_mailbox(&grant, address, rest, request);
            return result.unwrap_or_else(|refusal| self.refuse(refusal, request));
        }
        let cost = cost(&request.method, path, &request.query);
        let (charged, tells_share) = {
            let mut meters = self.meters();
            (meters.charge(&grant.app, cost), meters.tell_share())
        };
        let share = match charged {
            Ok(share) => share,
            Err(throttled) => {
                let mut answer = self.refuse(Refusal::throttled(), request);
                answer.set("retry-after", &throttled.retry_after.to_string());
                answer.set("x-ms-throttle-scope", &throttled.scope);
                if let Some(information) = throttled.information {
                    answer.set("x-ms-throttle-information", information);
                }
                if tells_share {
                    report_share(&mut answer, throttled.share);
                }
                return answer;
            }
        };
        let result = match (request.method.as_str(), path) {
            ("GET", ["organization"]) => self.organization(&grant, request),
            ("GET", ["policies", "authorizationPolicy"]) => {
                self.authorization_policy(&grant, request)
            }
            ("GET", ["policies", "crossTenantAccessPolicy", "default"]) => {
                self.cross_tenant_default(&grant, request)
            }
            ("GET", ["policies", "crossTenantAccessPolicy", "partners"]) => {
                self.partners(&grant, request)
            }
            (
                "GET",
                [
                    "policies",
                    "authenticationMethodsPolicy",
                    "authenticationMethodConfigurations",
                    "email",
                ],
            ) => self.email_method(&grant, request),
            (
                "GET",
                [
                    "directory",
                    "federationConfigurations",
                    "microsoft.graph.samlOrWsFedExternalDomainFederation",
                ],
            ) => self.federations(&grant, request),
            ("GET", ["tenantRelationships", function]) => {
                self.tenant_information(&grant, function, request)
            }
            ("GET", ["policies", "b2bManagementPolicies"]) if request.is_beta() => {
                self.b2b_policies(&grant, request)
            }
            ("GET", ["contacts"]) => self.list_contacts(&grant, request),
            ("GET", ["contacts", "$count"]) => self.count_contacts(&grant, request),
            ("GET", ["groups"]) => self.list_groups(&grant, request),
            ("GET", ["groups", "$count"]) => self.count_groups(&grant, request),
            ("GET", ["users"]) => self.list_users(&grant, request),
            ("GET", ["users", "$count"]) => self.count_users(&grant, request),
            ("GET", ["users", "delta" | "delta()" | "microsoft.graph.delta()"]) => {
                self.changed_users(&grant, request)
            }
            ("GET", ["users", name, "sponsors"]) => self.sponsors(&grant, name, request),
            ("GET", ["users", name, "transitiveMemberOf", "microsoft.graph.directoryRole"]) => {
                self.roles_of(&grant, name, request)
            }
            ("GET", ["users", name, "transitiveMemberOf"]) => {
                self.memberships(&grant, name, request)
            }
            ("GET", ["users", name, "appRoleAssignments"]) => {
                self.assignments_of(&grant, name, request)
            }
            ("GET", ["servicePrincipals", id]) => self.service_principal(&grant, id, request),
            ("GET", ["servicePrincipals", id, "owners"]) => self.app_owners(&grant, id, request),
            ("GET", ["applications"]) => self.registrations(&grant, request),
            ("GET", ["policies", "claimsMappingPolicies"]) => self.claims_policies(&grant, request),
            ("GET", ["policies", "claimsMappingPolicies", id, "appliesTo"]) => {
                self.claims_policy_applies_to(&grant, id, request)
            }
            ("GET", ["domains"]) => self.verified_domains(&grant, request),
            ("GET", ["auditLogs", "directoryAudits"]) => self.audits(&grant, request),
            ("GET", ["users", name]) => self.get_user(&grant, name, request),
            ("PATCH", ["users", name]) => self.patch_user(&grant, name, request),
            ("GET", ["directory", "deletedItems", "microsoft.graph.user"]) => {
                self.deleted_users(&grant, request)
            }
            ("GET", ["roleManagement", "directory", "roleAssignments"]) => {
                self.role_assignments(&grant, request)
            }
            ("GET", ["roleManagement", "directory", "roleEligibilityScheduleInstances"]) => {
                self.role_eligibilities(&grant, request)
            }
            ("GET", ["groups", id, "transitiveMembers", "microsoft.graph.user"]) => {
                self.transitive_members(&grant, id, request)
            }
            ("GET", ["groups", id, "owners", "microsoft.graph.user"]) => {
                self.owners(&grant, id, request)
            }
            ("GET", ["groups", id, "sites", "root"]) => self.group_site(&grant, id, request),
            ("POST", ["directoryObjects", "getByIds"]) => self.objects_by_id(&grant, request),
            ("POST", ["invitations"]) => self.invite(&grant, request),
            (_, path) => Err(unknown(&request.method, path)),
        };
        let mut answer = result.unwrap_or_else(|refusal| self.refuse(refusal, request));
        answer.units = cost.units;
        if cost.units > 0 {
            answer.set("x-ms-resource-unit", &cost.units.to_string());
        }
        if tells_share {
            report_share(&mut answer, share);
        }
        answer
    }

    pub(super) fn refuse(&self, refusal: Refusal, request: &Request) -> Answer {
        let date = self.clock.now_in_seconds().strftime("%Y-%m-%dT%H:%M:%S").to_string();
        refusal.answer(request, &date)
    }

    /// Headers that every answer has, and the entry in the ledger.
    fn finish(&self, request: &Request, answer: &mut Answer, in_batch: bool) {
        let now = self.clock.now();
        if !answer.is_foreign {
            answer.set("request-id", &request.id);
        }
        if let Some(id) = request.header("client-request-id") {
            answer.set("client-request-id", id);
        }
        // A fault may say another time.
        if !in_batch && !answer.headers.contains_key(http::header::DATE) {
            answer.set("date", &http_date(now));
        }
        {
            let mut usage = self.usage();
            usage.requests += u64::from(!in_batch);
            usage.units += u64::from(answer.units);
            usage.refused += u64::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
        }
        if self.options.log_requests {
            self.requests().push(RequestEntry {
                at: now,
                method: request.method.to_string(),
                path: request.path_and_query(),
                status: answer.status.as_u16(),
                units: answer.units,
                in_batch,
                lost: answer.loss != Loss::None,
            });
        }
    }

    pub(super) fn ledger(&self) -> Ledger {
        let requests = self.requests().clone();
        let violations = self.violations().clone();
        Ledger { writes: self.tenant().writes.clone(), requests, violations }
    }

    /// `/emulator/…`: what a test in another process or a browser may ask, without a token.
    fn about_itself(&self, path: &[&str], request: &Request) -> Answer {
        match path {
            ["ledger"] => Answer::ok(&self.ledger()),
            ["mail", rest @ ..] => self.mail_page(rest, request),
            ["usage"] => Answer::ok(&*self.usage()),
            ["users", name] => {
                let tenant = self.tenant();
                match tenant.directory.find_named(name) {
                    Some(at) => Answer::ok(tenant.directory.current(at)),
                    None => Answer::new(StatusCode::NOT_FOUND, JSON, b"null".to_vec()),
                }
            }
            _ => Answer::new(StatusCode::NOT_FOUND, JSON, b"null".to_vec()),
        }
    }
}

fn segments(decoded: &[String]) -> Vec<&str> {
    decoded.iter().map(String::as_str).collect()
}

/// A known path takes another method; an unknown one has a segment too many.
fn unknown(method: &Method, path: &[&str]) -> Refusal {
    if takes_other_methods(method, path) {
        return Refusal::method_not_allowed();
    }
    Refusal::no_such_segment(path.last().copied().unwrap_or_default())
}

/// Links a page of a list to one more, each to another.
fn one_more_page(request: &Request, mut answer: Answer) -> Answer {
    let list = serde_json::from_slice(&answer.body).unwrap_or_default();
    let (Value::Object(mut list), Ok(query)) = (list, Query::parse(&request.query)) else {
        return answer;
    };
    let next = query.start.max(BEYOND) + 1;
    list.insert(
        "@odata.nextLink".to_owned(),
        query.next_link(&request.origin, &request.path, next).into(),
    );
    answer.body = serde_json::to_vec(&list).expect("it was JSON before");
    answer
}

/// No list is as long.
const BEYOND: usize = 1 << 31;

fn report_share(answer: &mut Answer, share: f64) {
    if share > REPORTED_FROM {
        answer.set("x-ms-throttle-limit-percentage", &format!("{share:.2}"));
    }
}
