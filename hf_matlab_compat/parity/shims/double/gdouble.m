function y = gdouble(x)
% Doubles where the trainer wants doubles on its GPU.

y = double(x);
end
