// Pictures that come to the page: dropped anywhere, pasted, or picked with the button.

const OURS = /\/api\/pictures\/([a-z0-9]+)/;

/** `on` has `file(file)` for a picture from elsewhere and `ours(id)` for one of this page. */
export function takePictures(on) {
  const veil = document.getElementById("dropping");
  const input = document.getElementById("file");
  let depth = 0;

  document.getElementById("attach").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files[0]) on.file(input.files[0]);
    input.value = "";
  });

  addEventListener("paste", (event) => {
    const carried = event.clipboardData;
    const file = [...(carried?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (!file || carried.getData("text/plain")) return; // words that bring a picture of themselves
    event.preventDefault();
    on.file(file);
  });

  const brings = (event) => {
    const types = event.dataTransfer?.types ?? [];
    return types.includes("Files") || types.includes("text/uri-list");
  };
  const show = (shown) => {
    depth = shown ? depth : 0;
    veil.hidden = !shown;
  };
  addEventListener("dragenter", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    depth += 1;
    show(true);
  });
  addEventListener("dragover", (event) => brings(event) && event.preventDefault());
  addEventListener("dragleave", () => {
    depth -= 1;
    if (depth <= 0) show(false);
  });
  addEventListener("drop", (event) => {
    show(false);
    if (!brings(event)) return;
    const link = event.dataTransfer.getData("text/uri-list");
    const ours = link.startsWith(location.origin) && link.match(OURS);
    const file = event.dataTransfer.files[0];
    if (ours || file) event.preventDefault();
    if (ours) on.ours(ours[1]);
    else if (file) on.file(file);
  });
}
