import { cancel } from "@/app/actions";
import { Live } from "@/app/live";
import { keeper } from "@/lib/keeper";
import { idOf } from "@/lib/user";

export default async function CustomerPage() {
  const id = await idOf("customer");
  const [blocker, credits] = await Promise.all([keeper.blocker(id), keeper.credits(id)]);
  return (
    <main>
      <h1>Your session</h1>
      {process.env.KEEPER !== "own" && <Live />}
      {blocker ? (
        <section data-status={blocker.status}>
          <h2>{blocker.status === "live" ? "You are connected" : blocker.assigned ? "A mechanic has taken it" : "Waiting for a mechanic"}</h2>
          <p>You can have one session at a time.</p>
          <form action={cancel}>
            <button name="session" value={blocker.id}>Cancel</button>
          </form>
        </section>
      ) : (
        <section data-status="free">
          <h2>{credits > 0 ? "Nobody was free. What you paid is kept for your next session" : "Talk to a mechanic"}</h2>
          <p>30 minutes, by chat.</p>
          <a className="button" href={`${process.env.STRIPE_PAYMENT_LINK ?? "#"}?client_reference_id=${encodeURIComponent(id)}`}>Buy for 29 €</a>
        </section>
      )}
    </main>
  );
}
