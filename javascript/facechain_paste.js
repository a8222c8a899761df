// The webui calls these two when a pasted infotext goes to the tab "facechain".
function switch_to_facechain() {
    const tabs = document.querySelectorAll("#tabs > .tab-nav > button, #tabs > div [role=tab]");
    [...tabs].find((tab) => tab.textContent.trim() === "FaceChain")?.click();
    return Array.from(arguments);
}

function recalculate_prompts_facechain() {
    return Array.from(arguments);
}
