// The sign-in page: sends name and password, says what went wrong, and opens the app.
const form = document.getElementById("sign-in");
const said = document.getElementById("said");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  said.textContent = "";
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch("/api/sign-in", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Speech": "1" },
      body: JSON.stringify({ name: form.elements.name.value, password: form.elements.password.value }),
    });
    if (answer.ok) {
      location.assign("/");
      return;
    }
    said.textContent =
      answer.status === 429 ? said.dataset.wait.replace("{seconds}", answer.headers.get("Retry-After")) : said.dataset.wrong;
    form.elements.password.select();
  } catch {
    said.textContent = said.dataset.lost;
  }
  button.disabled = false;
});
