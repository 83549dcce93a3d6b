import { Live } from "@/app/live";
import { keeper } from "@/lib/keeper";
import { idOf } from "@/lib/user";

import { Queue } from "./queue";

export default async function MechanicPage() {
  const offers = await keeper.queue(await idOf("mechanic"));
  return (
    <main>
      <h1>Who is waiting</h1>
      {process.env.KEEPER !== "own" && <Live />}
      <Queue offers={offers.map(({ id, customerName, waitingSeconds }) => ({ id, customerName, waitingSeconds }))} />
    </main>
  );
}
