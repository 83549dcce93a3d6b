"use client";

import { Curfew } from "@curfew/client";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";

/** Live renders the page again whenever something changes that its visitor may see. */
export function Live() {
  const router = useRouter();
  const [at, setAt] = useState<"connecting" | "live">("connecting");
  useEffect(() => {
    const leaving = new AbortController();
    const follow = async () => {
      for await (const event of new Curfew({ url: "/curfew" }).stream({ signal: leaving.signal, onDisconnect: () => setAt("connecting") })) {
        setAt("live");
        router.refresh();
        void event;
      }
    };
    follow().catch((error: unknown) => leaving.signal.aborted || console.error(error));
    return () => leaving.abort();
  }, [router]);
  return <p className="live" data-live={at}>{at === "live" ? "live" : "connecting…"}</p>;
}
