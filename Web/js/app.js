// What every page runs. Each module looks for its own data attributes, works by delegation, and so also covers content
// that htmx swaps in later.
import './session.js';
import './menu.js';
import './toast.js';
import './dialog.js';
import './table.js';
import './list.js';
import './form.js';
import './files.js';
import './viewer.js';
import './picker.js';
import './point.js';
import './display.js';
import './palette.js';
import './locate.js';
import './install.js';
