// Runs before the first paint, so that what scripts replace never flashes.
document.documentElement.classList.add('scripted');
