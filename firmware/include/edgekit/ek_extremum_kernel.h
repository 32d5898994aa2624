/* ek_extremum_kernel.h: the body of maximum_s8.c and its like, which say what EK_ELEMENT is, how
 * EK_KERNEL is called and which of two numbers EK_CHOOSE takes. */

static void choose_row(const EK_ELEMENT *a, const EK_ELEMENT *b, const ek_walk *walk,
                       EK_ELEMENT *out)
{
    const int32_t step_a = walk->step_a, step_b = walk->step_b;
    for (int32_t i = walk->row; i > 0; i--) {
        *out++ = EK_CHOOSE(*a, *b);
        a += step_a;
        b += step_b;
    }
}

void EK_KERNEL(const EK_ELEMENT *a, const EK_ELEMENT *b, const ek_walk *walk, EK_ELEMENT *out)
{
    ek_walk_at at = {0};
    for (int32_t rows = walk->rows; rows > 0; rows--) {
        choose_row(a + at.a, b + at.b, walk, out);
        out += walk->row;
        ek_walk_next(&at, walk);
    }
}
