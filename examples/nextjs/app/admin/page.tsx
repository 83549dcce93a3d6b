import { curfew } from "@/lib/curfew";
import { idOf } from "@/lib/user";

export default async function AdminPage() {
  const { health, problems, sessions } = await curfew.as("admin", await idOf("admin")).health();
  return (
    <main>
      <h1>Health</h1>
      <p data-health={health}>{health === "healthy" ? "All is well." : health === "error" ? "Health is unknown right now." : "Something needs attention."}</p>
      <ul>{problems.map((problem) => <li key={problem}>{problem}</li>)}</ul>
      <p>{sessions.byStatus?.["waiting"] ?? "?"} waiting, {sessions.byStatus?.["live"] ?? "?"} live</p>
    </main>
  );
}
