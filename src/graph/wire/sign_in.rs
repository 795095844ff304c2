//! When a user was last seen signing in (Microsoft Graph, *signInActivity resource type*).

use serde::{Deserialize, Serialize};

/// A `user` of which nothing but its sign-ins is asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserSignIns {
    pub id: String,
    /// Absent of a user that never signed in.
    pub sign_in_activity: Option<SignInActivity>,
}

/// `signInActivity`. Attempts count, except in the last of the three, which is not filled in
/// for the time before December 2023.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SignInActivity {
    pub last_sign_in_date_time: Option<String>,
    pub last_non_interactive_sign_in_date_time: Option<String>,
    pub last_successful_sign_in_date_time: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_as_documented_is_read() {
        let user: UserSignIns = serde_json::from_str(
            r#"{
                "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users(id,signInActivity)/$entity",
                "id": "4562bcc8-c436-4f95-b7c0-4f8ce89dca5e",
                "signInActivity": {
                    "lastSignInDateTime": "2022-10-26T12:27:26Z",
                    "lastSignInRequestId": "c7df2760-2c81-4ef7-b578-5b5392b571df",
                    "lastNonInteractiveSignInDateTime": null,
                    "lastNonInteractiveSignInRequestId": ""
                }
            }"#,
        )
        .unwrap();
        let activity = user.sign_in_activity.unwrap();
        assert_eq!(activity.last_sign_in_date_time.as_deref(), Some("2022-10-26T12:27:26Z"));
        assert_eq!(activity.last_non_interactive_sign_in_date_time, None);
        let never: UserSignIns = serde_json::from_str(r#"{ "id": "1" }"#).unwrap();
        assert_eq!(never.sign_in_activity, None);
    }
}
