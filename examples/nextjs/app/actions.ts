"use server";

import { ProblemError } from "@curfew/client";
import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import { revalidatePath } from "next/cache";

import { keeper } from "@/lib/keeper";
import { idOf } from "@/lib/user";

/** signIn is a stand-in for your own. */
export async function signIn(form: FormData): Promise<void> {
  const role = String(form.get("role"));
  (await cookies()).set("visitor", `${role} ${String(form.get("id"))}`, { httpOnly: true, sameSite: "lax" });
  redirect(`/${role}`);
}

export async function cancel(form: FormData): Promise<void> {
  await keeper.cancel(await idOf("customer"), String(form.get("session")));
  revalidatePath("/customer");
}

export async function accept(_: string, form: FormData): Promise<string> {
  try {
    await keeper.accept(await idOf("mechanic"), String(form.get("request")));
  } catch (error) {
    if (error instanceof ProblemError) {
      return error.message; // another mechanic was first, or this one still has a session
    }
    throw error;
  }
  revalidatePath("/mechanic");
  return "";
}
