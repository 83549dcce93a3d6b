import { signIn } from "./actions";

export default function Home() {
  return (
    <main>
      <h1>Live help</h1>
      <form action={signIn}>
        <label>Your name <input name="id" required defaultValue="kim" /></label>
        <p className="row">
          <button name="role" value="customer">I need help</button>
          <button name="role" value="mechanic">I help</button>
          <button name="role" value="admin">I look after it</button>
        </p>
      </form>
    </main>
  );
}
