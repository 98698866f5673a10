// Photographs are made smaller before they are sent: a telephone takes 5 MB where 1 MB reads as well (C-264). Proportions
// and colours stay; what would not become much smaller, or cannot be read here, is sent as it is.

// The longer side of A4 at some 200 dots an inch.
const longest = 2400;
const large = 1_000_000;
const quality = 0.85;

/** The file, or a smaller JPEG of the same picture. */
export async function shrunk(file) {
  if (!/^image\/(jpeg|png|webp)$/.test(file.type) || file.size < large || !window.createImageBitmap) return file;
  let picture;
  try {
    // Upright, whichever way the telephone was held.
    picture = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    return file;
  }
  const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  const drawing = canvas.getContext('2d');
  drawing.fillStyle = '#fff';
  drawing.fillRect(0, 0, canvas.width, canvas.height);
  drawing.imageSmoothingQuality = 'high';
  drawing.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await new Promise(done => canvas.toBlob(done, 'image/jpeg', quality));
  if (!blob || blob.size > file.size * 0.8) return file;
  return new File([blob], file.name.replace(/\.[^.]*$/, '') + '.jpg', { type: 'image/jpeg', lastModified: file.lastModified });
}
