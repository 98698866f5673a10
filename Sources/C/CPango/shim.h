#pragma once
#include <pango/pangocairo.h>
#include <cairo/cairo.h>
#include <cairo/cairo-ft.h>
#include <cairo/cairo-pdf.h>
#include <cairo/cairo-svg.h>

/* Has cairo embed the outlines of a font's glyphs instead of a part of its CFF table.
 *
 * The CFF subsetter of cairo 1.16 does not follow a subroutine a second time and so miscounts the hints it declares;
 * in documents with Noto Sans CJK it then drops the character U+5982, among the commonest of all. Cairo falls back to
 * outlines when it cannot load the font's tables, which it cannot once FreeType's face no longer says that it has any.
 * Shaping reads the file through HarfBuzz and does not notice. */
static inline void lifang_embed_outlines(PangoFont *font) {
  cairo_scaled_font_t *scaled = pango_cairo_font_get_scaled_font((PangoCairoFont *)font);
  if (!scaled || cairo_scaled_font_get_type(scaled) != CAIRO_FONT_TYPE_FT) return;
  FT_Face face = cairo_ft_scaled_font_lock_face(scaled);
  if (!face) return;
  face->face_flags &= ~FT_FACE_FLAG_SFNT;
  cairo_ft_scaled_font_unlock_face(scaled);
}
