"""The documented job with Microsoft's Python SDK: find the guest, give it a new mail,
reset its redemption, read it back. Arguments: origin, tenant, client id, old and new
address; the secret comes in EMULATOR_SECRET, the CA in SSL_CERT_FILE."""

import asyncio
import json
import os
import sys

import msal
from azure.identity import ClientSecretCredential
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.invitation import Invitation
from msgraph.generated.models.user import User
from msgraph.generated.users.users_request_builder import UsersRequestBuilder

origin, tenant, client_id, old, new = sys.argv[1:]
secret = os.environ["EMULATOR_SECRET"]
host = origin.removeprefix("https://")
SELECT = [
    "id", "displayName", "userPrincipalName", "mail", "otherMails", "identities",
    "userType", "externalUserState", "accountEnabled", "createdDateTime",
]


def by_msal_alone():
    application = msal.ConfidentialClientApplication(
        client_id,
        client_credential=secret,
        authority=f"{origin}/{tenant}",
        instance_discovery=False,
        verify=os.environ["SSL_CERT_FILE"],
    )
    token = application.acquire_token_for_client([f"{origin}/.default"])
    assert "access_token" in token, token


async def main():
    by_msal_alone()
    credential = ClientSecretCredential(
        tenant,
        client_id,
        secret,
        authority=origin,
        disable_instance_discovery=True,
        connection_verify=os.environ["SSL_CERT_FILE"],
    )
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=[f"{origin}/.default"], allowed_hosts=[host.split(":")[0], host]
    )
    adapter = GraphRequestAdapter(provider)
    adapter.base_url = f"{origin}/v1.0"
    graph = GraphServiceClient(request_adapter=adapter)

    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        filter=f"mail eq '{old}'", select=SELECT
    )
    found = await graph.users.get(request_configuration=RequestConfiguration(query_parameters=query))
    assert len(found.value) == 1, found.value
    guest = found.value[0]
    assert guest.identities and guest.identities[0].issuer, guest.identities

    await graph.users.by_user_id(guest.id).patch(User(mail=new, other_mails=[old]))
    invited = await graph.invitations.post(
        Invitation(
            invited_user_email_address=new,
            invite_redirect_url="https://myapps.microsoft.com",
            send_invitation_message=False,
            reset_redemption=True,
            # The whole user as it was read.
            invited_user=guest,
        )
    )
    assert invited.invited_user.id == guest.id and invited.status == "PendingAcceptance"
    assert f"user%3d{invited.id}%26" in invited.invite_redeem_url, invited.invite_redeem_url

    back = await graph.users.by_user_id(guest.id).get()
    assert back.mail == new, back.mail
    changed = await graph.users.delta.get()
    assert any(user.id == guest.id and user.mail == new for user in changed.value)
    deleted = await graph.directory.deleted_items.graph_user.get()
    assert deleted.value == []
    domains = await graph.domains.get()
    assert any(domain.is_default for domain in domains.value)
    sponsors = await graph.users.by_user_id(guest.id).sponsors.get()
    assert sponsors.value == []
    print(json.dumps({"id": guest.id, "redeem_url": invited.invite_redeem_url}))


asyncio.run(main())
