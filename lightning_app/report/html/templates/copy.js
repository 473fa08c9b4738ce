// Methods paragraph ---------------------------------------------------------------------------

// The clipboard may be refused; then the text is selected, for Ctrl+C.
async function copy(button) {
  const section = button.closest("section");
  const text = section.querySelector("blockquote");
  const status = section.querySelector("[role=status]");
  try {
    await navigator.clipboard.writeText(text.textContent);
    status.textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(text);
    status.textContent = "Selected: press Ctrl+C.";
  }
}

for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", () => copy(button));
}
