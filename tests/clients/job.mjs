// The documented job with Microsoft's JavaScript client: find the guest, give it a new
// mail, reset its redemption, read it back. Arguments: origin, tenant, client id, old and
// new address; the secret comes in EMULATOR_SECRET, the CA in NODE_EXTRA_CA_CERTS.

import assert from "node:assert/strict";

import { ClientSecretCredential } from "@azure/identity";
import { ConfidentialClientApplication } from "@azure/msal-node";
import { Client } from "@microsoft/microsoft-graph-client";
import { TokenCredentialAuthenticationProvider } from "@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js";

const [origin, tenant, clientId, old, wanted] = process.argv.slice(2);
const secret = process.env.EMULATOR_SECRET;
const host = new URL(origin).host;
const scopes = [`${origin}/.default`];

const application = new ConfidentialClientApplication({
  auth: {
    clientId,
    clientSecret: secret,
    authority: `${origin}/${tenant}`,
    knownAuthorities: [host],
  },
});
const token = await application.acquireTokenByClientCredential({ scopes });
assert.ok(token.accessToken);

const credential = new ClientSecretCredential(tenant, clientId, secret, {
  authorityHost: origin,
  disableInstanceDiscovery: true,
});
const graph = Client.initWithMiddleware({
  baseUrl: `${origin}/`,
  defaultVersion: "v1.0",
  customHosts: new Set([new URL(origin).hostname]),
  authProvider: new TokenCredentialAuthenticationProvider(credential, { scopes }),
});

const select = "id,displayName,userPrincipalName,mail,otherMails,identities,externalUserState";
const found = await graph.api("/users").filter(`mail eq '${old}'`).select(select).get();
assert.equal(found.value.length, 1);
const guest = found.value[0];
assert.ok(guest.identities[0].issuer);

await graph.api(`/users/${guest.id}`).patch({ mail: wanted, otherMails: [old] });
const invited = await graph.api("/invitations").post({
  "@odata.type": "#microsoft.graph.invitation",
  invitedUserEmailAddress: wanted,
  inviteRedirectUrl: "https://myapps.microsoft.com",
  sendInvitationMessage: false,
  resetRedemption: true,
  invitedUser: guest,
});
assert.equal(invited.invitedUser.id, guest.id);
assert.equal(invited.status, "PendingAcceptance");

const back = await graph.api(`/users/${guest.id}`).select(select).get();
assert.equal(back.mail, wanted);
assert.equal(back.externalUserState, "PendingAcceptance");
const changed = await graph.api("/users/delta").select("id,mail").get();
assert.ok(changed.value.some((user) => user.id === guest.id && user.mail === wanted));
assert.ok(changed["@odata.deltaLink"]);
console.log(JSON.stringify({ id: guest.id, redeem_url: invited.inviteRedeemUrl }));
