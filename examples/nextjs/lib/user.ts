import type { Person } from "@curfew/client";
import { cookies } from "next/headers";

/** The visitor's role and id, or null. Put your own sign-in here: this one believes a cookie that anybody can write. */
export async function user(): Promise<Person | null> {
  const [role, id] = (await cookies()).get("visitor")?.value.split(" ") ?? [];
  return id && (role === "customer" || role === "mechanic" || role === "admin") ? { role, id } : null;
}

/** The visitor's id, if that is their role. */
export async function idOf(role: Person["role"]): Promise<string> {
  const visitor = await user();
  if (visitor?.role !== role) {
    throw new Error(`this page is for a ${role}`);
  }
  return visitor.id;
}
