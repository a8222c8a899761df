// Keeps the FaceChain tab up to date: presses its hidden refresh button when the page opens, then
// while the tab is in sight, every second while work goes on, every five seconds otherwise, and soon
// after any click in it. Work is followed from the webui's other tabs too, every five seconds.
// One press at a time: the answer carries a counter. It names the library's LoRAs too: a Lora tab of
// the webui that does not show them all is told to look again, once.
// gradio 3.41 drops an upload during which an answer arrives, and shows it as uploading for ever: so
// nothing is pressed while photos are on their way, and photos wait for an answer that is, and for a
// moment after it, in which it may have asked for more.
(() => {
    if (window.facechainPulse) return;
    const BUSY = 1000, IDLE = 5000, GIVE_UP = 15000, SETTLE = 1000;
    const LORA_TABS = ["txt2img_lora", "img2img_lora"];
    let pressedAt = -Infinity, answered = null, soon = 0, listed = "";
    let shown = null, shownAt = -Infinity, pickedAt = -Infinity;

    const element = (id) => document.getElementById(id);
    const answer = () => element("facechain_pulse_state")?.querySelector("[data-beat]");
    const inSight = () => element("facechain_tab")?.offsetParent !== null;

    const uploading = () => Array.from(element("facechain_photos")?.querySelectorAll("tr.file") ?? [])
        .some((row) => !row.querySelector("a[href]"));
    const outstanding = () => pressedAt > 0 && (answer()?.dataset.beat ?? null) === answered
        && performance.now() - pressedAt < GIVE_UP;

    function look() {
        const beat = answer()?.dataset.beat ?? null;
        if (beat !== shown) [shown, shownAt] = [beat, performance.now()];
    }
    const settled = () => !outstanding() && performance.now() - shownAt > SETTLE;

    function press() {
        const button = element("facechain_pulse");
        if (!button) return;
        answered = answer()?.dataset.beat ?? null;
        pressedAt = performance.now();
        soon = 0;
        (button.matches("button") ? button : button.querySelector("button") ?? button).click();
    }

    function list(loras) {
        if (loras === listed) return;
        listed = loras;
        for (const tab of LORA_TABS) {
            const cards = element(`${tab}_cards_html`)?.querySelectorAll(".card") ?? [];
            const shown = new Set(Array.from(cards, (card) => card.dataset.name));
            if (!loras.split("/").every((name) => shown.has(name))) element(`${tab}_extra_refresh`)?.click();
        }
    }

    // Buttons stick to the foot of the window only if nothing around the tab counts as scrolling.
    function letStick() {
        for (let around = element("facechain_tab"); around; around = around.parentElement) {
            if (getComputedStyle(around).overflowY === "hidden") around.style.overflow = "clip";
        }
    }

    function beat() {
        letStick();
        const told = answer()?.dataset, busy = told?.busy === "1";
        if (told?.loras) list(told.loras);
        if (document.hidden || !element("facechain_tab")) return;
        if (told && !busy && !inSight()) return;
        const now = performance.now(), waited = now - pressedAt;
        if (outstanding() || held.length || uploading() || now - pickedAt < SETTLE) return;
        const pause = busy && inSight() ? BUSY : IDLE;
        if (waited > pause || (soon && now > soon)) press();
    }

    document.addEventListener("click", (event) => {
        if (event.isTrusted && element("facechain_tab")?.contains(event.target)) {
            soon = performance.now() + 300;
        }
    });
    // Photos are chosen or dropped: the event waits until the answer is there, and comes again.
    const held = [], returned = new WeakSet();
    function hold(event) {
        if (returned.has(event) || !element("facechain_photos")?.contains(event.target)) return;
        const files = event.type === "drop" ? event.dataTransfer : event.target;
        if (!files?.files?.length) return;
        look();
        pickedAt = performance.now();
        if (settled()) return;
        event.stopImmediatePropagation();
        event.preventDefault();
        const again = event.type === "drop" ? copyOfDrop(files.files) : new Event("change", { bubbles: true });
        returned.add(again);
        held.push([event.target, again]);
    }
    function copyOfDrop(files) {
        const dataTransfer = new DataTransfer();
        for (const file of files) dataTransfer.items.add(file);
        return new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer });
    }
    function release() {
        look();
        if (!held.length || !settled()) return;
        const [target, event] = held.shift();
        pickedAt = performance.now();
        target.dispatchEvent(event);
    }
    for (const kind of ["change", "drop"]) document.addEventListener(kind, hold, true);
    window.setInterval(release, 50);

    document.addEventListener("visibilitychange", beat);
    window.facechainPulse = window.setInterval(beat, 200);
})();
