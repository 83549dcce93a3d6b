"use client";

import { useActionState } from "react";

import { accept } from "@/app/actions";

export function Queue({ offers }: { offers: { id: string; customerName: string; waitingSeconds: number }[] }) {
  const [refusal, take, busy] = useActionState(accept, "");
  return (
    <form action={take}>
      {refusal && <p role="alert">{refusal}</p>}
      {offers.length === 0 && <p>Nobody is waiting.</p>}
      <ul>
        {offers.map((offer) => (
          <li key={offer.id}>
            <span>{offer.customerName || "A customer"}, for {Math.ceil(offer.waitingSeconds / 60)} min</span>
            <button name="request" value={offer.id} disabled={busy}>Accept</button>
          </li>
        ))}
      </ul>
    </form>
  );
}
