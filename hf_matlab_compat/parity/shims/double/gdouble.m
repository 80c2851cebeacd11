function y = gdouble(x)
% Return doubles in the processor's memory.

y = double(x);
end
