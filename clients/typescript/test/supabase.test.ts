import assert from "node:assert/strict";
import { it } from "node:test";

import { ForbiddenError, NotFoundError, UnauthenticatedError } from "@curfew/client";
import { supabaseToken, TestCurfew, type SupabaseUser } from "@curfew/client/testing";

import { curfewOf, userOf } from "./docs/example/supabase.js";
import { paid } from "./curfew.js";

const secret = "the legacy secret of a project of Supabase";

/** signedIn is the client of a browser in which somebody is signed in, or nobody. */
const signedIn = (user: SupabaseUser | null) => ({
  auth: {
    getUser: async () => ({ data: { user: user && { id: user.id, app_metadata: user.role ? { role: user.role } : {} } } }),
    getSession: async () => ({ data: { session: user && { access_token: await supabaseToken(secret, user) } } }),
  },
});

it("lib/supabase.ts of the example: a user's own token is enough", async () => {
  await using server = await TestCurfew.start({
    settings: {
      allowed_origins: '["https://app.example.org"]',
      "auth.issuers": JSON.stringify({
        supabase: { issuer: "http://127.0.0.1:54321/auth/v1", audience: "authenticated", secret, role: ["app_metadata.role", "role"], roles: { authenticated: "customer", mechanic: "mechanic" } },
      }),
    },
  });
  const kim = { id: crypto.randomUUID() }, mia = { id: crypto.randomUUID(), role: "mechanic" };
  const { sessionId, requestId } = await paid(server.as("service", "shop"), kim.id);

  const customer = curfewOf(signedIn(kim), server.url);
  assert.equal((await customer.customers.status(kim.id)).session?.id, sessionId);
  await assert.rejects(async () => await customer.queue.list(), ForbiddenError);
  await assert.rejects(curfewOf(signedIn({ id: "somebody-else" }), server.url).sessions.read(sessionId), NotFoundError);
  await assert.rejects(curfewOf(signedIn(null), server.url).customers.status(kim.id), UnauthenticatedError);
  await assert.rejects(async () => await curfewOf(signedIn({ id: "eve", role: "root" }), server.url).queue.list(), UnauthenticatedError);
  assert.equal((await curfewOf(signedIn(mia), server.url).queue.accept(requestId)).session.mechanicId, mia.id);

  assert.deepEqual(await userOf(signedIn(kim)), { role: "customer", id: kim.id });
  assert.deepEqual(await userOf(signedIn(mia)), { role: "mechanic", id: mia.id });
  assert.deepEqual([await userOf(signedIn(null)), await userOf(signedIn({ id: "eve", role: "root" }))], [null, null]);
});
