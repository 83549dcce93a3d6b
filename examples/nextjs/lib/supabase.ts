import { Curfew, type Person } from "@curfew/client";

/** What is used of a client of Supabase: that of @supabase/ssr on the server, that of @supabase/supabase-js in the browser. */
interface Supabase {
  auth: {
    getUser(): Promise<{ data: { user: { id: string; app_metadata: { role?: string } } | null } }>;
    getSession(): Promise<{ data: { session: { access_token: string } | null } }>;
  };
}

/** On the server: who is signed in. Supabase is asked; whoever has no role in app_metadata is a customer. */
export async function userOf(supabase: Supabase): Promise<Person | null> {
  const { data: { user } } = await supabase.auth.getUser();
  const role = user?.app_metadata.role ?? "customer";
  return user && (role === "customer" || role === "mechanic" || role === "admin") ? { role, id: user.id } : null;
}

/** In the browser: Curfew, called as whoever is signed in, with the token that they have anyway. */
export function curfewOf(supabase: Supabase, url: string): Curfew {
  return new Curfew({ url, token: async () => (await supabase.auth.getSession()).data.session?.access_token ?? "" });
}
