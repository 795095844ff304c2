//! The properties of a user: which exist, which come unasked, and which operators a
//! `$filter` may use with them (Microsoft Graph, *user resource type*).
//!
//! Leaves to others: parsing a filter and telling why it is refused (`odata`).

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::seed::Person;
use crate::graph::wire::{SignInActivity, User};

/// Operators that a `$filter` may use with a property, as bits.
pub(super) mod op {
    pub(in crate::emulator) const EQ: u16 = 1;
    pub(in crate::emulator) const NE: u16 = 1 << 1;
    pub(in crate::emulator) const NOT: u16 = 1 << 2;
    pub(in crate::emulator) const GE_LE: u16 = 1 << 3;
    pub(in crate::emulator) const IN: u16 = 1 << 4;
    pub(in crate::emulator) const STARTS: u16 = 1 << 5;
    pub(in crate::emulator) const ENDS: u16 = 1 << 6;
    pub(in crate::emulator) const NULL: u16 = 1 << 7;
    pub(in crate::emulator) const COUNT: u16 = 1 << 8;
}
use op::{COUNT, ENDS, EQ, GE_LE, IN, NE, NOT, NULL, STARTS};

#[derive(Debug)]
pub(super) struct Property {
    pub(super) name: &'static str,
    field: Field,
    pub(super) operators: u16,
    /// Comes without `$select`.
    is_default: bool,
}

impl PartialEq for Property {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Id,
    DisplayName,
    GivenName,
    Surname,
    JobTitle,
    CompanyName,
    Department,
    PreferredLanguage,
    UserPrincipalName,
    Mail,
    OtherMails,
    ProxyAddresses,
    UserType,
    CreationType,
    CreatedDateTime,
    DeletedDateTime,
    ExternalUserState,
    ExternalUserStateChangeDateTime,
    AccountEnabled,
    OnPremisesSyncEnabled,
    OnPremisesImmutableId,
    IsManagementRestricted,
    BusinessPhones,
    Identities,
    SignInActivity,
    /// Exists in Graph; here it is always null.
    Other,
}

/// The value of a property.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Text(&'a str),
    Bool(bool),
    List(&'a [String]),
    Identity(Identity<'a>),
    SignIns(&'a SignInActivity),
}

/// How a user signs in (Microsoft Graph, *objectIdentity resource type*; Entra, *B2B user
/// properties*, 2026-03): a guest by its home domain until it has redeemed, and then by
/// what it redeemed with, which is an Entra tenant here.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Identity<'a> {
    sign_in_type: &'static str,
    issuer: &'a str,
    issuer_assigned_id: Option<&'a str>,
}

impl<'a> Identity<'a> {
    fn of(user: &'a User) -> Self {
        let domain = |address: &'a str| address.rsplit('@').next().unwrap_or_default();
        let upn = &user.user_principal_name;
        if user.external_user_state.is_none() {
            let (issuer, id) = (domain(upn), Some(upn.as_str()));
            return Self { sign_in_type: "userPrincipalName", issuer, issuer_assigned_id: id };
        }
        let issuer = match user.external_user_state.as_deref() {
            Some("Accepted") => "ExternalAzureAD",
            _ => domain(user.mail.as_deref().unwrap_or(upn)),
        };
        Self { sign_in_type: "federated", issuer, issuer_assigned_id: None }
    }
}

const BASIC: u16 = EQ | NE | NOT | IN;
const TEXT: u16 = BASIC | GE_LE | STARTS;

#[rustfmt::skip]
static PROPERTIES: &[Property] = &[
    own("id", Field::Id, BASIC, true),
    own("displayName", Field::DisplayName, TEXT | NULL, true),
    own("givenName", Field::GivenName, TEXT | NULL, true),
    own("surname", Field::Surname, TEXT | NULL, true),
    own("jobTitle", Field::JobTitle, TEXT | NULL, true),
    own("companyName", Field::CompanyName, TEXT | NULL, false),
    own("department", Field::Department, TEXT | NULL, false),
    own("preferredLanguage", Field::PreferredLanguage, TEXT | NULL, true),
    own("userPrincipalName", Field::UserPrincipalName, TEXT | ENDS, true),
    own("mail", Field::Mail, TEXT | ENDS | NULL, true),
    own("otherMails", Field::OtherMails, EQ | NOT | GE_LE | IN | STARTS | ENDS | COUNT, false),
    own("proxyAddresses", Field::ProxyAddresses, EQ | NOT | GE_LE | STARTS | ENDS | COUNT, false),
    own("userType", Field::UserType, BASIC | NULL, false),
    own("creationType", Field::CreationType, BASIC | NULL, false),
    own("createdDateTime", Field::CreatedDateTime, BASIC | GE_LE, false),
    own("deletedDateTime", Field::DeletedDateTime, 0, false),
    own("externalUserState", Field::ExternalUserState, BASIC, false),
    own("externalUserStateChangeDateTime", Field::ExternalUserStateChangeDateTime, BASIC, false),
    own("accountEnabled", Field::AccountEnabled, BASIC, false),
    own("onPremisesSyncEnabled", Field::OnPremisesSyncEnabled, BASIC | NULL, false),
    own("onPremisesImmutableId", Field::OnPremisesImmutableId, BASIC | NULL, false),
    own("isManagementRestricted", Field::IsManagementRestricted, 0, false),
    own("identities", Field::Identities, 0, false),
    own("signInActivity", Field::SignInActivity, 0, false),
    own("businessPhones", Field::BusinessPhones, 0, true),
    own("mobilePhone", Field::Other, 0, true),
    own("officeLocation", Field::Other, 0, true),
    other("aboutMe"), other("ageGroup"), other("assignedLicenses"), other("assignedPlans"),
    other("authorizationInfo"), other("birthday"), other("city"), other("consentProvidedForMinor"),
    other("country"), other("customSecurityAttributes"), other("deletedDateTime"),
    other("employeeHireDate"), other("employeeId"), other("employeeLeaveDateTime"),
    other("employeeOrgData"), other("employeeType"), other("faxNumber"), other("hireDate"),
    other("imAddresses"), other("interests"), other("isResourceAccount"),
    other("lastPasswordChangeDateTime"), other("legalAgeGroupClassification"),
    other("licenseAssignmentStates"), other("mailNickname"), other("mailboxSettings"),
    other("mySite"), other("onPremisesDistinguishedName"), other("onPremisesDomainName"),
    other("onPremisesExtensionAttributes"), other("onPremisesLastSyncDateTime"),
    other("onPremisesProvisioningErrors"), other("onPremisesSamAccountName"),
    other("onPremisesSecurityIdentifier"), other("onPremisesUserPrincipalName"),
    other("passwordPolicies"), other("passwordProfile"), other("pastProjects"),
    other("postalCode"), other("preferredDataLocation"), other("preferredName"),
    other("provisionedPlans"), other("responsibilities"), other("schools"),
    other("securityIdentifier"), other("serviceProvisioningErrors"), other("showInAddressList"),
    other("signInSessionsValidFromDateTime"), other("skills"),
    other("state"), other("streetAddress"), other("usageLocation"),
];

const fn own(name: &'static str, field: Field, operators: u16, is_default: bool) -> Property {
    Property { name, field, operators, is_default }
}

const fn other(name: &'static str) -> Property {
    own(name, Field::Other, 0, false)
}

impl Property {
    /// The property of this name, if Graph knows it.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        PROPERTIES.iter().find(|property| property.name == name)
    }

    /// The properties that come without `$select`.
    pub(super) fn defaults() -> Vec<&'static Self> {
        PROPERTIES.iter().filter(|property| property.is_default).collect()
    }

    /// Whether it takes a permission of its own.
    pub(super) fn is_sign_ins(&self) -> bool {
        self.field == Field::SignInActivity
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.field, Field::OtherMails | Field::ProxyAddresses | Field::BusinessPhones)
    }

    /// Its value for one user.
    pub(super) fn of<'a>(&self, person: &'a Person) -> Value<'a> {
        let user = &person.user;
        let text = |text: &'a Option<String>| text.as_deref().map_or(Value::Null, Value::Text);
        let bool = |bool: Option<bool>| bool.map_or(Value::Null, Value::Bool);
        match self.field {
            Field::Id => Value::Text(&user.id),
            Field::DisplayName => text(&user.display_name),
            Field::GivenName => text(&person.given_name),
            Field::Surname => text(&person.surname),
            Field::JobTitle => text(&person.job_title),
            Field::CompanyName => text(&person.company_name),
            Field::Department => text(&person.department),
            Field::PreferredLanguage => text(&person.preferred_language),
            Field::UserPrincipalName => Value::Text(&user.user_principal_name),
            Field::Mail => text(&user.mail),
            Field::OtherMails => Value::List(&user.other_mails),
            Field::ProxyAddresses => Value::List(&user.proxy_addresses),
            Field::UserType => text(&user.user_type),
            Field::CreationType => text(&user.creation_type),
            Field::CreatedDateTime => text(&person.created_date_time),
            Field::DeletedDateTime => text(&person.deleted_date_time),
            Field::ExternalUserState => text(&user.external_user_state),
            Field::ExternalUserStateChangeDateTime => {
                text(&user.external_user_state_change_date_time)
            }
            Field::AccountEnabled => bool(user.account_enabled),
            Field::OnPremisesSyncEnabled => bool(user.on_premises_sync_enabled),
            Field::OnPremisesImmutableId => text(&user.on_premises_immutable_id),
            Field::IsManagementRestricted => bool(user.is_management_restricted),
            Field::BusinessPhones => Value::List(&[]),
            Field::SignInActivity => {
                person.sign_in_activity.as_ref().map_or(Value::Null, Value::SignIns)
            }
            Field::Identities => Value::Identity(Identity::of(user)),
            Field::Other => Value::Null,
        }
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bool(bool) => serializer.serialize_bool(*bool),
            Self::List(list) => list.serialize(serializer),
            Self::Identity(identity) => [identity].serialize(serializer),
            Self::SignIns(activity) => activity.serialize(serializer),
        }
    }
}

/// The selected properties of one user, as they travel.
pub(super) struct Selected<'a> {
    pub(super) person: &'a Person,
    pub(super) properties: &'a [&'static Property],
    /// `@odata.type` or `@odata.context`, when the place needs one.
    pub(super) annotation: Option<(&'static str, &'a str)>,
}

impl Serialize for Selected<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some((name, value)) = self.annotation {
            map.serialize_entry(name, value)?;
        }
        for property in self.properties {
            let value = property.of(self.person);
            // Absent of a user that never signed in (Microsoft Graph, *signInActivity*).
            if property.is_sign_ins() && value == Value::Null {
                continue;
            }
            map.serialize_entry(property.name, &value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::seed::guest;
    use crate::graph::wire::USER_SELECT;

    #[test]
    fn the_default_set_is_the_documented_one() {
        let mut names: Vec<_> = Property::defaults().iter().map(|p| p.name).collect();
        names.sort_unstable();
        let mut documented = [
            "id",
            "businessPhones",
            "displayName",
            "givenName",
            "jobTitle",
            "mail",
            "mobilePhone",
            "officeLocation",
            "preferredLanguage",
            "surname",
            "userPrincipalName",
        ];
        documented.sort_unstable();
        assert_eq!(names, documented);
    }

    #[test]
    fn what_the_client_selects_survives_the_journey() {
        let properties: Vec<_> =
            USER_SELECT.split(',').map(|name| Property::named(name).expect(name)).collect();
        let person = guest("1", "ada@fabrikam.example");
        let selected = Selected { person: &person, properties: &properties, annotation: None };
        let json = serde_json::to_value(selected).unwrap();
        assert_eq!(json.as_object().unwrap().len(), properties.len());
        assert_eq!(serde_json::from_value::<User>(json).unwrap(), person.user);
    }
}
