// Keeps the FaceChain tab up to date: presses its hidden refresh button when the page opens, then
// while the tab is in sight, every second while work goes on, every five seconds otherwise, and soon
// after any click in it. Work is followed from the webui's other tabs too, every five seconds.
// One press at a time: the answer carries a counter. It names the library's LoRAs too: a Lora tab of
// the webui that does not show them all is told to look again, once.
(() => {
    if (window.facechainPulse) return;
    const BUSY = 1000, IDLE = 5000, GIVE_UP = 15000;
    const LORA_TABS = ["txt2img_lora", "img2img_lora"];
    let pressedAt = -Infinity, answered = null, soon = 0, listed = "";

    const element = (id) => document.getElementById(id);
    const answer = () => element("facechain_pulse_state")?.querySelector("[data-beat]");
    const inSight = () => element("facechain_tab")?.offsetParent !== null;

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

    function beat() {
        const told = answer()?.dataset, busy = told?.busy === "1";
        if (told?.loras) list(told.loras);
        if (document.hidden || !element("facechain_tab")) return;
        if (told && !busy && !inSight()) return;
        const now = performance.now(), waited = now - pressedAt;
        const outstanding = pressedAt > 0 && (answer()?.dataset.beat ?? null) === answered;
        if (outstanding && waited < GIVE_UP) return;
        const pause = busy && inSight() ? BUSY : IDLE;
        if (waited > pause || (soon && now > soon)) press();
    }

    document.addEventListener("click", (event) => {
        if (event.isTrusted && element("facechain_tab")?.contains(event.target)) {
            soon = performance.now() + 300;
        }
    });
    document.addEventListener("visibilitychange", beat);
    window.facechainPulse = window.setInterval(beat, 200);
})();
